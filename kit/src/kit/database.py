"""Database access: a transaction for each request, committed before the response is sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar, cast
from weakref import WeakValueDictionary

import asyncpg
import structlog
from fastapi import Depends, Request
from sqlalchemy import URL, BigInteger, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from kit.deadlines import require_time_left
from kit.identity import UserId
from kit.settings import DatabaseSettings

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 30
# Added to the server's own limit, since a server whose machine is gone reports no timeout.
SILENCE_SECONDS = 5
AFTER_COMMIT = "after_commit"
CONSTRAINT_NAMES = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}

Json = dict[str, Any]  # Any: the values of a JSON object
AfterCommit = Callable[[], Awaitable[None]]
# Whose turn it is: a user's, or that of another owner of locks, such as `group 12`.
Turn = UserId | str

log = structlog.stdlib.get_logger()


def declarative_base(schema: str) -> type[DeclarativeBase]:
    """The base class of a service's tables: BIGINT for int, TEXT for str, TIMESTAMPTZ for datetime."""

    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema, naming_convention=CONSTRAINT_NAMES)
        type_annotation_map: ClassVar[Mapping[Any, Any]] = {  # Any: SQLAlchemy's own type
            int: BigInteger,
            str: Text,
            datetime: DateTime(timezone=True),
            Json: JSONB(none_as_null=True),
        }

    return Base


class ReadOnlySession(AsyncSession):
    """A session on a READ ONLY connection; each statement sees the newest data.

    No transaction stays open, and no BEGIN and COMMIT are sent.
    """


class AutocommitSession(AsyncSession):
    """A session that commits every statement at once; a later failure does not undo it."""


def after_commit(session: AsyncSession, action: AfterCommit) -> None:
    """Run `action` after the session's commit and before the response is sent."""
    session.info.setdefault(AFTER_COMMIT, []).append(action)


class Database:
    """Connections of one replica, never more than `db_pool_size`.

    `driver_connections` of them are plain asyncpg connections. Sessions that write and sessions that only
    read have a pool of half the others each.
    """

    def __init__(self, settings: DatabaseSettings, service: str, driver_connections: int = 1) -> None:
        half = max(1, (settings.db_pool_size - driver_connections) // 2)
        self.engine = _create_engine(settings, service, half, read_only=False)
        self._read_engine = _create_engine(settings, service, half, read_only=True)
        self._create_drivers = partial(_create_driver_pool, settings, service, driver_connections)
        self._drivers: asyncpg.Pool | None = None
        # A lock disappears with the last request that uses it.
        self._turns: WeakValueDictionary[Turn, asyncio.Lock] = WeakValueDictionary()
        self._writing = async_sessionmaker(self.engine, expire_on_commit=False)
        self._reading = async_sessionmaker(
            self._read_engine.execution_options(isolation_level="AUTOCOMMIT"),
            class_=ReadOnlySession,
            autoflush=False,
            expire_on_commit=False,
        )
        self._autocommit = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"),
            class_=AutocommitSession,
            autoflush=False,
            expire_on_commit=False,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Commit at the end of the block, then run the `after_commit` actions; roll back on an error."""
        async with self._writing.begin() as session:
            yield session
        await _run_after_commit(session)

    @asynccontextmanager
    async def transaction_of(self, turn: Turn) -> AsyncGenerator[AsyncSession]:
        """A transaction of a user or group, one at a time: its others wait for it without a connection.

        Requests that wait for each other's locks in the database would occupy all connections. The turn ends
        with the commit, before the `after_commit` actions. Raises DeadlinePassed if nobody waits for the
        answer when the turn comes.
        """
        async with self.turn_of(turn):
            require_time_left()
            async with self._writing.begin() as session:
                yield session
        await _run_after_commit(session)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[ReadOnlySession]:
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def read_of(self, turn: Turn) -> AsyncGenerator[ReadOnlySession]:
        """Reading in a turn, for answers that take milliseconds of processor time to write.

        Write the answer within the block: fifty of them in a row would delay the requests of all others.
        Raises DeadlinePassed as above.
        """
        async with self.turn_of(turn):
            require_time_left()
            async with self.read() as session:
                yield session

    @asynccontextmanager
    async def autocommit(self) -> AsyncGenerator[AutocommitSession]:
        async with self._autocommit() as session:
            yield session

    def turn_of(self, turn: Turn) -> asyncio.Lock:
        """Held by one request of the user or group in this process; the others wait in order."""
        return self._turns.setdefault(turn, asyncio.Lock())

    async def ping(self) -> None:
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def driver(self) -> AsyncGenerator[asyncpg.Connection]:
        """A pooled asyncpg connection: no ORM, no open transaction, no round trip before its first use."""
        # Created here, because a pool belongs to the running event loop.
        drivers = self._drivers = self._drivers or self._create_drivers()
        # Without a minimum size this opens no connection, so a service starts before its database.
        await drivers
        async with drivers.acquire() as connection:
            yield cast(asyncpg.Connection, connection)  # a proxy with the same methods

    async def close(self) -> None:
        await self.engine.dispose()
        await self._read_engine.dispose()
        if self._drivers is not None:
            await self._drivers.close()


async def _run_after_commit(session: AsyncSession) -> None:
    actions: list[AfterCommit] = session.info.get(AFTER_COMMIT, [])
    for action in actions:
        try:
            await action()
        except Exception as error:
            # The request has taken effect, so the response must not be an error.
            log.warning("after_commit_failed", error=type(error).__name__)


def _create_engine(
    settings: DatabaseSettings, service: str, pool_size: int, *, read_only: bool
) -> AsyncEngine:
    url = URL.create(
        "postgresql+asyncpg",
        username=settings.db_user,
        password=settings.db_password.get_secret_value(),
        database=settings.db_name,
        query={"host": settings.db_host, "port": str(settings.db_port)},  # a folder is a Unix socket
    )
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "ssl": settings.db_tls,
            "server_settings": _server_settings(service, read_only=read_only),
            "timeout": CONNECT_SECONDS,
            "command_timeout": STATEMENT_SECONDS + SILENCE_SECONDS,
            "async_creator_fn": _connect,
        },
    )


def _create_driver_pool(settings: DatabaseSettings, service: str, size: int) -> asyncpg.Pool:
    return asyncpg.create_pool(
        host=settings.db_host,
        port=settings.db_port,
        user=settings.db_user,
        password=settings.db_password.get_secret_value(),
        database=settings.db_name,
        ssl=settings.db_tls,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS + SILENCE_SECONDS,
        server_settings=_server_settings(service, read_only=False),
        connect=_connect,
        reset=_skip_reset,
    )


def _server_settings(service: str, *, read_only: bool) -> dict[str, str]:
    return {
        "application_name": service,
        "lock_timeout": "5s",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "default_transaction_read_only": "on" if read_only else "off",
    }


async def _skip_reset(_connection: object) -> None:
    """Users of driver connections leave nothing to reset, and a reset costs a round trip."""


async def _connect(*_dsn: Any, **arguments: Any) -> asyncpg.Connection:  # Any: asyncpg's own arguments
    try:
        return await asyncpg.connect(**arguments)
    except OSError as error:
        # During a restart the socket is missing or the name unknown: errors with other meanings elsewhere.
        raise ConnectionError("The database cannot be reached.") from error


async def open_session(request: Request) -> AsyncIterator[AsyncSession]:
    database: Database = request.app.state.container.database
    async with database.transaction() as session:
        yield session


async def open_read_session(request: Request) -> AsyncIterator[ReadOnlySession]:
    database: Database = request.app.state.container.database
    async with database.read() as session:
        yield session


# scope="function" commits before the response is sent; the default scope would send a 200 and then commit.
Session = Annotated[AsyncSession, Depends(open_session, scope="function")]
ReadSession = Annotated[ReadOnlySession, Depends(open_read_session, scope="function")]
