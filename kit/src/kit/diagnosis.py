"""Diagnosis of a service with a database: the checks of its connection, and the route for the gateway."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import text

from kit.app import strict_router
from kit.authentication import CallingService
from kit.checks import Check, process_checks, run_checks
from kit.database import Database
from kit.errors import Unauthenticated
from kit.findings import Diagnosis, Finding, find_clock, find_connections, find_encryption, find_revision
from kit.problems import documented
from kit.settings import DatabaseSettings

PATH = "/internal/diagnosis"
# The newest revision in `migrations`, which the images of services do not contain.
NEWEST_REVISION = "0022"
# Migrations write it as a comment, since the roles of services cannot read Alembic's table.
REVISION = text("SELECT obj_description(current_schema()::regnamespace, 'pg_namespace')")
REVISION_PREFIX = "revision "
# Connections that are reserved are refused to the roles of services.
CONNECTION = text("""
SELECT extract(epoch FROM clock_timestamp())::float8 AS time,
    coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
    (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int AS most
""")

Clock = Callable[[], float]


def diagnosis_router(checks: Callable[[Any], Sequence[Check]]) -> APIRouter:  # Any: a service's container
    """The internal route; `checks` receives the container."""
    router = strict_router()

    @router.get(PATH, include_in_schema=False, responses=documented(Unauthenticated))
    async def diagnose(request: Request, _service: CallingService) -> Diagnosis:
        received_at = time.time()
        findings = await run_checks(checks(request.app.state.container))
        return Diagnosis(received_at=received_at, answered_at=time.time(), findings=findings)

    return router


def service_checks(database: Database, settings: DatabaseSettings, clock: Clock = time.time) -> list[Check]:
    """Checks of the process and of its connection to the database, with the process's clock."""
    return [
        Check("migrations", partial(_check_revision, database)),
        Check("database", partial(_check_connection, database, settings, clock)),
        *process_checks(settings),
    ]


async def _check_revision(database: Database) -> Sequence[Finding]:
    async with database.read() as session:
        comment: str | None = await session.scalar(REVISION)
    return [find_revision(comment and comment.removeprefix(REVISION_PREFIX), NEWEST_REVISION)]


async def _check_connection(
    database: Database, settings: DatabaseSettings, clock: Clock
) -> Sequence[Finding]:
    async with database.read() as session:
        sent = clock()
        state = (await session.execute(CONNECTION)).one()
        returned = clock()
    is_near = _is_on_this_machine(settings.db_host)
    return [
        find_clock("database clock", state.time - (sent + returned) / 2, (returned - sent) / 2),
        find_encryption(encrypted=state.encrypted, mode=settings.db_sslmode, on_this_machine=is_near),
        find_connections(state.used, state.most, settings.db_pool_size),
    ]


def _is_on_this_machine(host: str) -> bool:
    if host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
