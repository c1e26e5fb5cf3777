"""A schema and a role for each service; a role reads and writes rows of its own schema only."""

from alembic import op
from migrations.roles import SCHEMA_OF_ROLE, create_role, drop_role

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    database = op.get_bind().engine.url.database
    op.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    # Alembic's own table is in the public schema, which no service may use.
    op.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for role, schema in SCHEMA_OF_ROLE.items():
        create_role(op.get_bind(), role)
        op.execute(f"CREATE SCHEMA {schema}")
        op.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {role}')
        op.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
        future = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT"
        op.execute(f"{future} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}")
        op.execute(f"{future} USAGE, SELECT ON SEQUENCES TO {role}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for role, schema in SCHEMA_OF_ROLE.items():
        op.execute(f"DROP SCHEMA {schema}")
        drop_role(op.get_bind(), role)
    op.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    database = op.get_bind().engine.url.database
    op.execute(f'GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO PUBLIC')
