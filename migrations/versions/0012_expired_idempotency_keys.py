"""Idempotency keys outlive their answers: a request under a key whose answer is gone can be refused."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TABLE, INDEX = "idempotency_keys", "ix_idempotency_keys_created_at"
CHECK = "NOT expired OR (answer IS NULL AND location IS NULL)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("auth", "ml"):
        column = sa.Column("expired", sa.Boolean(), nullable=False, server_default=sa.false())
        op.add_column(TABLE, column, schema=schema)
        op.create_check_constraint(f"ck_{TABLE}_expired_without_answer", TABLE, CHECK, schema=schema)
        op.drop_index(INDEX, TABLE, schema=schema)
        op.create_index(INDEX, TABLE, ["created_at"], schema=schema, postgresql_where=sa.text("NOT expired"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for schema in ("auth", "ml"):
        # Older code knows no expired keys and would take them for requests that still run.
        op.execute(f"DELETE FROM {schema}.{TABLE} WHERE expired")
        op.drop_index(INDEX, TABLE, schema=schema)
        op.create_index(INDEX, TABLE, ["created_at"], schema=schema)
        op.drop_constraint(f"ck_{TABLE}_expired_without_answer", TABLE, schema=schema)
        op.drop_column(TABLE, "expired", schema=schema)
