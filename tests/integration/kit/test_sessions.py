"""Transactions of requests: committed before the response is sent, read-only where declared."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request
from sqlalchemy import text
from starlette.types import Message
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.app import strict_router
from kit.database import Database as Connections
from kit.database import ReadSession, Session, after_commit
from kit.errors import Malformed
from kit.problems import install_problem_handlers
from kit.request_context import RequestContextMiddleware
from kit.settings import DatabaseSettings

TABLE = """
CREATE TABLE billing.probes (
    id int PRIMARY KEY,
    parent int REFERENCES billing.probes DEFERRABLE INITIALLY DEFERRED
)
"""
router = strict_router()


@router.post("/rows/{row}")
async def add(row: int, session: Session, parent: int | None = None) -> None:
    values = {"id": row, "parent": parent}
    await session.execute(text("INSERT INTO probes VALUES (:id, :parent)"), values)


@router.post("/regretted/{row}")
async def regret(row: int, session: Session) -> None:
    await session.execute(text("INSERT INTO probes VALUES (:id)"), {"id": row})
    raise Malformed("On second thoughts, no.")


@router.post("/slow")
async def wait_for_a_lock(session: Session) -> None:
    await session.execute(text("SET LOCAL lock_timeout = '50ms'"))
    await session.execute(text("LOCK TABLE probes"))


@router.get("/reading")
async def read(request: Request, session: ReadSession) -> dict[str, int]:
    await session.execute(text("SELECT * FROM probes"))
    connections: Connections = request.app.state.container.database
    async with connections.autocommit() as onlooker:
        open_ones = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"
        return {"open_transactions": await onlooker.scalar(text(open_ones)) or 0}


@router.post("/written-while-reading/{row}")
async def write_while_reading(row: int, session: ReadSession) -> None:
    await session.execute(text("INSERT INTO probes VALUES (:id)"), {"id": row})


@router.post("/followed/{row}")
async def follow_up(request: Request, row: int, session: Session) -> None:
    database: Connections = request.app.state.container.database

    async def record() -> None:
        async with database.read() as other:
            seen = await other.scalar(text("SELECT count(*) FROM probes"))
        request.app.state.seen_after_commit = seen
        raise ConnectionResetError

    await session.execute(text("INSERT INTO probes VALUES (:id)"), {"id": row})
    after_commit(session, record)


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


@pytest.fixture
async def app(database: Database, admin: asyncpg.Connection) -> AsyncIterator[FastAPI]:
    assert not admin.is_closed()
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(router)
    app.add_middleware(RequestContextMiddleware)
    app.state.container = SimpleNamespace(database=Connections(settings, "probe"))
    yield app
    await app.state.container.database.close()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        yield client


async def rows_in(admin: asyncpg.Connection) -> list[int]:
    return [row["id"] for row in await admin.fetch("SELECT id FROM billing.probes ORDER BY id")]


async def test_transaction_is_committed_before_the_first_byte(
    app: FastAPI, admin: asyncpg.Connection
) -> None:
    seen_at_the_answer: list[list[int]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen_at_the_answer.append(await rows_in(admin))

    scope = {"type": "http", "method": "POST", "path": "/rows/1", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert seen_at_the_answer == [[1]]


async def test_failed_commit_is_an_error_response(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    response = await client.post("/rows/1", params={"parent": 99})
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert await rows_in(admin) == []


async def test_refused_request_is_rolled_back(client: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
    assert (await client.post("/regretted/1")).status_code == 400
    assert await rows_in(admin) == []


async def test_lock_timeout_is_an_outage(client: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
    async with admin.transaction():
        await admin.execute("LOCK TABLE billing.probes")
        response = await client.post("/slow")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


async def test_request_after_a_closed_connection_succeeds(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    await client.post("/rows/1")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'probe'"
    )
    assert (await client.post("/rows/2")).status_code == 200


async def test_read_session_keeps_no_transaction_open(client: httpx.AsyncClient) -> None:
    assert (await client.get("/reading")).json() == {"open_transactions": 0}


async def test_postgresql_refuses_to_write_through_a_read_session(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    response = await client.post("/written-while-reading/1")
    assert response.status_code == 503
    assert await rows_in(admin) == []


async def test_after_commit_action_sees_the_commit_and_its_failure_leaves_the_response(
    app: FastAPI, client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    assert (await client.post("/followed/1")).status_code == 200
    assert app.state.seen_after_commit == 1
    assert await rows_in(admin) == [1]
