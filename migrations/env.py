"""Alembic's environment: the connection, and the models to compare with."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from kit.settings import read_settings
from migrations.comparison import is_in_a_service_schema, service_metadata
from migrations.history import MigrationSettings


def run(connection: Connection) -> None:
    # Only the alembic command compares models; an upgrade runs without the code of the services.
    comparing = context.config.cmd_opts is not None
    context.configure(
        connection=connection,
        target_metadata=service_metadata() if comparing else None,
        include_schemas=True,
        include_name=is_in_a_service_schema,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    settings = context.config.attributes.get("settings") or read_settings("migrations", MigrationSettings)
    engine = settings.create_engine()
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(connect_and_run())
