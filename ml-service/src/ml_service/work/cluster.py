"""The Dask cluster that fits run on; we are always a client of its scheduler."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import CancelledError as FutureCancelled
from typing import Any

import structlog
from distributed import Client, Future, KilledWorker, Nanny

from ml_service.learning.tasks import PROGRESS_TOPIC

ANSWER_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
LEAVE_SECONDS = 1.0

Task = Callable[..., Any]  # Any: what a task takes and gives is between it and its caller
Listener = Callable[[str, int | None], None]

log = structlog.stdlib.get_logger()


class ClusterLost(ConnectionError):
    """The scheduler went away with everything it was doing."""


class WorkerDied(Exception):
    """The scheduler gave up on a task because its workers died, most likely for want of memory."""


class Fit:
    """One task on the cluster."""

    def __init__(self, client: Client, future: "Future[Any]") -> None:  # Any: the task's own result
        self._client, self._future = client, future

    async def result(self) -> Any:  # Any: the task's own result
        """Raises what the task raised, WorkerDied or ClusterLost."""
        try:
            return await self._future
        except KilledWorker as error:
            raise WorkerDied from error
        except (FutureCancelled, OSError) as error:
            raise ClusterLost from error

    async def stop(self) -> None:
        """Forget the task and kill the worker process that runs it; its nanny starts another."""
        key = self._future.key
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                running = [
                    worker for worker, keys in (await self._client.processing()).items() if key in keys
                ]
                await self._future.cancel(force=True)
                if running:
                    await self._client.run(kill_worker_of, workers=running, nanny=True, on_error="ignore")
        except (TimeoutError, OSError) as error:
            log.warning("worker_not_stopped", error=type(error).__name__)


class DaskCluster:
    def __init__(self, address: str) -> None:
        self._address = address
        self._client: Client | None = None
        self._subscribed_over: object = None
        self._listeners: dict[str, Listener] = {}
        self.known_slots = 0

    async def slots(self) -> int:
        """How many fits can run at once; none while the cluster is away."""
        self.known_slots = await self._count_slots()
        return self.known_slots

    async def _count_slots(self) -> int:
        if self._client is None or self._client.status != "running" or self._client.scheduler is None:
            return 0
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                known: Any = await self._client.scheduler.identity(n_workers=0)  # Any: Dask's own JSON
            return known["total_threads"]
        except (TimeoutError, OSError):
            return 0

    def start(self, key: str, task: Task, *arguments: object, listener: Listener) -> Fit:
        """Raises ClusterLost."""
        if self._client is None or self._client.status != "running":
            raise ClusterLost
        self._listeners[key] = listener
        future = self._client.submit(task, key, *arguments, key=key, pure=False)
        return Fit(self._client, future)

    def forget(self, key: str) -> None:
        self._listeners.pop(key, None)

    async def follow(self) -> None:
        """Stay connected, whatever happens to the scheduler."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            while True:
                if self._client is None or self._client.status == "closed":
                    await self._connect()
                self._subscribe()
                await asyncio.sleep(RECONNECT_SECONDS)
        finally:
            await self._leave()

    async def _connect(self) -> None:
        self._client = Client(self._address, asynchronous=True, timeout=ANSWER_SECONDS, set_as_default=False)
        try:
            await self._client  # pyright: ignore[reportGeneralTypeIssues] - an asynchronous client is awaitable
        except Exception as error:
            # A scheduler that is away, starting or of another version: each is a reason to try again.
            log.warning("cluster_away", error=type(error).__name__)
            await self._leave()
            return
        log.info("cluster_joined")

    def _subscribe(self) -> None:
        """A client that finds its scheduler again by itself does not tell it anew what it wants to hear."""
        client = self._client
        if (
            client is not None
            and client.status == "running"
            and client.scheduler_comm is not self._subscribed_over
        ):
            client.subscribe_topic(PROGRESS_TOPIC, self._on_progress)
            self._subscribed_over = client.scheduler_comm

    async def _leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError, TimeoutError):
                await client.close(timeout=LEAVE_SECONDS)  # pyright: ignore[reportGeneralTypeIssues] - as above

    def _on_progress(self, event: tuple[float, dict[str, Any]]) -> None:  # Any: plain values
        _, news = event
        if (listener := self._listeners.get(news["key"])) is not None:
            listener(news["stage"], news.get("percent"))


async def kill_worker_of(dask_worker: Nanny) -> None:
    """Runs in the nanny. A polite stop would wait for the fit to end."""
    if dask_worker.process is not None and dask_worker.process.process is not None:
        await dask_worker.process.process.kill()
