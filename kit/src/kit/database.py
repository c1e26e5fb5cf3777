"""One engine a process; one transaction a request, committed before the answer leaves."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, cast

import asyncpg
from fastapi import Depends, Request
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from kit.settings import DatabaseSettings

STATEMENT_SECONDS = 30
# How much longer than the server's own limit we wait: one whose machine is gone never says that it gave up.
SILENCE_SECONDS = 5


class ReadOnlySession(AsyncSession):
    """A session whose statements each see the newest data and cost no BEGIN and COMMIT."""


class Database:
    def __init__(self, settings: DatabaseSettings, service: str) -> None:
        self.engine = _make_engine(settings, service)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.reads = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"),
            class_=ReadOnlySession,
            autoflush=False,
            expire_on_commit=False,
        )

    async def ping(self) -> None:
        async with self.reads() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[asyncpg.Connection]:
        """A connection of the pool without what stands above the driver: no ORM, no transaction begun."""
        async with self.engine.connect() as pooled:
            raw = await pooled.get_raw_connection()
            yield cast(asyncpg.Connection, raw.driver_connection)  # SQLAlchemy does not know its type

    async def close(self) -> None:
        await self.engine.dispose()


def _make_engine(settings: DatabaseSettings, service: str) -> AsyncEngine:
    url = URL.create(
        "postgresql+asyncpg",
        username=settings.db_user,
        password=settings.db_password.get_secret_value(),
        database=settings.db_name,
        query={"host": settings.db_host, "port": str(settings.db_port)},  # a folder is a Unix socket
    )
    limits = {
        "application_name": service,
        "lock_timeout": "5s",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
    }
    return create_async_engine(
        url,
        pool_size=settings.db_pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "server_settings": limits,
            "timeout": 5,
            "command_timeout": STATEMENT_SECONDS + SILENCE_SECONDS,
            "async_creator_fn": _connect,
        },
    )


async def _connect(**where: Any) -> asyncpg.Connection:  # Any: asyncpg's own arguments
    try:
        return await asyncpg.connect(**where)
    except OSError as error:
        # Its socket is gone or its name unknown while it restarts: errors that mean something else elsewhere.
        raise ConnectionError("The database cannot be reached.") from error


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.database
    async with database.sessions.begin() as session:
        yield session


async def open_read_session(request: Request) -> AsyncIterator[ReadOnlySession]:
    database: Database = request.app.state.database
    async with database.reads() as session:
        yield session


# scope="function" commits before the answer is sent; the default scope would send a 200 and then commit.
Session = Annotated[AsyncSession, Depends(open_session, scope="function")]
ReadSession = Annotated[ReadOnlySession, Depends(open_read_session, scope="function")]
