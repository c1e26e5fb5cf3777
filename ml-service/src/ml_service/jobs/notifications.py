"""Word of jobs from PostgreSQL, so that nobody has to poll for it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import structlog

from kit.background import wait_for_event
from kit.database import Database
from ml_service.jobs.repository import CHANNEL

CHECK_SECONDS = 5.0
RECONNECT_SECONDS = 1.0

log = structlog.stdlib.get_logger()


class Ear:
    """Hears what is said from the moment it exists; nothing between two waits is missed."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()

    def tell(self) -> None:
        self._heard.set()

    async def wait(self, seconds: float) -> None:
        """Until there is news, or this long: a notification may be lost with its connection."""
        await wait_for_event(self._heard, seconds)


class JobNews:
    def __init__(self) -> None:
        self._ears: dict[Ear, int | None] = {}

    @contextlib.asynccontextmanager
    async def listening(self, job_id: int | None = None) -> AsyncGenerator[Ear]:
        """News of one job, or of all."""
        ear = Ear()
        self._ears[ear] = job_id
        try:
            yield ear
        finally:
            del self._ears[ear]

    async def follow(self, database: Database) -> None:
        """Listen forever, on a connection of its own."""
        while True:
            try:
                await self._listen(database)
            except Exception as error:
                # Without notifications everyone still looks once in a while, so this only slows us down.
                log.warning("job_news_lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self, database: Database) -> None:
        async with database.driver() as connection:
            await connection.add_listener(CHANNEL, self._on_notification)
            while True:
                await connection.execute("SELECT 1")
                await asyncio.sleep(CHECK_SECONDS)

    def _on_notification(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        for ear, job_id in self._ears.items():
            if job_id is None or str(job_id) == payload:
                ear.tell()
