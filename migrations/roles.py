"""Database roles of the services, and the revision that they can read.

Roles belong to the whole server, so databases may race for them.
"""

from sqlalchemy import Connection, text

SCHEMA_OF_ROLE = {"auth_service": "auth", "billing_service": "billing", "ml_service": "ml"}

# The migration of another database may create or alter the same role at the same time; the next attempt then
# sees its changes.
_EACH_ATTEMPT = """
DO $$
BEGIN
    FOR attempt IN 1..10 LOOP
        BEGIN
            {statement}
            RETURN;
        EXCEPTION WHEN unique_violation OR duplicate_object OR internal_error THEN
            IF attempt = 10 THEN RAISE; END IF;
        END;
    END LOOP;
END $$
"""


def create_role(connection: Connection, role: str) -> None:
    """Create a login role without a password, whose search path is its own schema."""
    statement = f"""
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
            CREATE ROLE {role} LOGIN;
        END IF;
        ALTER ROLE {role} SET search_path = {SCHEMA_OF_ROLE[role]};
    """
    connection.execute(text(_EACH_ATTEMPT.format(statement=statement)))


def set_password(connection: Connection, role: str, password: str) -> None:
    connection.execute(text("SELECT set_config('farebox.password', :password, true)"), {"password": password})
    statement = f"""
        EXECUTE format('ALTER ROLE {role} PASSWORD %L', current_setting('farebox.password'));
    """
    connection.execute(text(_EACH_ATTEMPT.format(statement=statement)))


def write_revision(connection: Connection) -> None:
    """Write the revision as a comment on each schema: no role of a service can read Alembic's table."""
    revision = connection.scalar(text("SELECT max(version_num) FROM public.alembic_version"))
    for schema in SCHEMA_OF_ROLE.values() if revision else ():
        connection.execute(text(f"COMMENT ON SCHEMA {schema} IS 'revision {revision}'"))


def drop_role(connection: Connection, role: str) -> None:
    """Revoke all privileges in this database; the role itself stays while another database uses it."""
    connection.execute(text(f"DROP OWNED BY {role}"))
    connection.execute(
        text(f"DO $$ BEGIN DROP ROLE {role}; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$")
    )
