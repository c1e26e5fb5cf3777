"""Client of the Dask cluster: run a function on a worker, within a time limit."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError as FutureCancelled
from dataclasses import dataclass
from typing import Any

import structlog
from distributed import Client, Future, KilledWorker, Nanny, Security

from kit.background import every
from ml_service.jobs.rules import Failure, GiveUp, JobKind, Retry, decide
from ml_service.jobs.worker_deaths import MemoryExceeded, WorkerDied, cause_of_death
from ml_service.learning import calls
from ml_service.learning.calls import Function
from ml_service.learning.tables import Json
from ml_service.learning.tasks import PROGRESS_TOPIC

ANSWER_SECONDS = 3.0
RECONNECT_SECONDS = 1.0
# The client tries to reconnect for ANSWER_SECONDS and closes; its attempt itself may fail and leave it open.
LONGEST_RECONNECT_SECONDS = 3 * ANSWER_SECONDS
CLOSE_SECONDS = 1.0
# Enough to know the memory limit of workers, which are usually alike.
DESCRIBED_WORKERS = 4

OnProgress = Callable[[str, int | None], object]

log = structlog.stdlib.get_logger()


class ClusterLost(ConnectionError):
    """The scheduler is unreachable, and its running tasks are lost."""


class TimeLimitReached(Exception):
    """The task ran longer than its limit."""


@dataclass(frozen=True, slots=True)
class ClusterTask:
    """A function to run on the cluster under a key; `attempts` includes this one."""

    key: str
    function: Function
    arguments: tuple[object, ...]
    attempts: int
    time_limit: float
    kind: str = JobKind.TRAIN


async def run_task(
    cluster: "DaskCluster", task: ClusterTask, on_progress: OnProgress
) -> Json | GiveUp | Retry:
    """Run a task; returns its result, or the decision after its failure. Raises ClusterLost.

    `on_progress` receives each stage, with its percentage if the task reports one.
    """
    try:
        answer = await _result_in_time(cluster, task, on_progress)
    except TimeLimitReached:
        failure = Failure("time_limit")
    except MemoryExceeded:
        failure = Failure("out_of_memory")
    except WorkerDied:
        failure = Failure("worker_died")
    except ClusterLost:
        raise
    except Exception as crash:
        # A bug in a task must end only that task, with its traceback in the log.
        log.error("task_crashed", exc_info=crash)
        failure = Failure("crashed")
    else:
        if "error" not in answer:
            return answer["result"]
        error = answer["error"]
        failure = Failure("refused", error["code"], error["detail"], error["members"])
    return decide(failure, task.kind, task.attempts, task.time_limit)


async def _result_in_time(cluster: "DaskCluster", task: ClusterTask, on_progress: OnProgress) -> Json:
    """Raises TimeLimitReached, WorkerDied, MemoryExceeded, ClusterLost, or what the task raised."""
    deadline = Deadline(task.time_limit)

    def report(stage: str, percent: int | None) -> None:
        deadline.start()
        on_progress(stage, percent)

    with cluster.listening(task.key, report):
        running = cluster.submit(task.key, task.function, *task.arguments)
        try:
            async with deadline.timeout:
                return await running.result()
        except TimeoutError as error:
            await running.stop()
            raise TimeLimitReached from error
        except asyncio.CancelledError:
            await running.stop()
            raise


class Deadline:
    """Time limit of a task from its first progress.

    Until then the task has twice the limit: a task of a dead replica may still occupy the worker.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._started = seconds, False
        self.timeout = asyncio.timeout(2 * seconds)

    def start(self) -> None:
        """Start the limit at the first call; later calls have no effect."""
        if not self._started:
            self.timeout.reschedule(asyncio.get_running_loop().time() + self._seconds)
        self._started = True


class RunningTask:
    def __init__(self, client: Client, future: "Future[Any]") -> None:  # Any: the task's own result
        self._client, self._future = client, future

    async def result(self) -> Any:  # Any: the task's own result
        """Raises what the task raised, WorkerDied, MemoryExceeded or ClusterLost."""
        try:
            return await self._future
        except KilledWorker as error:
            raise await cause_of_death(self._client, self._future.key, error.last_worker) from error
        except (FutureCancelled, OSError) as error:
            raise ClusterLost from error

    async def stop(self) -> None:
        """Cancel the task and kill its worker process; the nanny starts another."""
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
    def __init__(self, address: str, security: Security | None = None) -> None:
        self._address, self._security = address, security
        self._client: Client | None = None
        self._subscribed_over: object = None
        self._running_at = 0.0
        self._listeners: dict[str, OnProgress] = {}
        self.known_slots = 0
        self.known_memory: int | None = None

    async def slots(self) -> int:
        """The number of tasks that can run at once; zero during an outage of the cluster.

        The memory limit of its workers is known, too, from then on.
        """
        identity = await self._identity()
        self.known_slots = 0 if identity is None else int(identity["total_threads"])
        if identity is not None and (workers := identity["workers"].values()):
            # The largest: what would fit on one of several sizes is not refused.
            self.known_memory = max(worker["memory_limit"] or 0 for worker in workers) or None
        return self.known_slots

    def submit(self, key: str, function: Function, *arguments: object) -> RunningTask:
        """Raises ClusterLost."""
        if self._client is None or self._client.status != "running":
            raise ClusterLost
        packed = calls.pack(function, key, *arguments)
        future = self._client.submit(calls.run, packed, key=key, pure=False)
        return RunningTask(self._client, future)

    @contextlib.contextmanager
    def listening(self, key: str, listener: OnProgress) -> Generator[None]:
        """Pass the task's progress to the listener during the block."""
        self._listeners[key] = listener
        try:
            yield
        finally:
            del self._listeners[key]

    async def stay_connected(self) -> None:
        """Connect, and reconnect after each outage of the scheduler, until cancelled."""
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            # Any failure is retried: the scheduler may be down, starting, or of another version.
            await every(RECONNECT_SECONDS, self._connect_and_subscribe, failure="cluster_away")
        finally:
            await self._close()

    async def _identity(self) -> Any:  # Any: Dask's own JSON
        """The description of the cluster and some of its workers; None during an outage."""
        if self._client is None or self._client.status != "running" or self._client.scheduler is None:
            return None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._client.scheduler.identity(n_workers=DESCRIBED_WORKERS)
        except (TimeoutError, OSError):
            return None

    async def _connect_and_subscribe(self) -> None:
        if self._client is not None and self._is_stuck(self._client):
            log.warning("cluster_client_replaced")
            await self._close()
        if self._client is None or self._client.status == "closed":
            await self._connect()
        self._subscribe()

    def _is_stuck(self, client: Client) -> bool:
        """True for a client that no longer tries: a reset before its TLS handshake ends its attempts."""
        now = time.monotonic()
        if client.status == "running":
            self._running_at = now
        return client.status == "connecting" and now - self._running_at > LONGEST_RECONNECT_SECONDS

    async def _connect(self) -> None:
        self._client = Client(
            self._address,
            asynchronous=True,
            timeout=ANSWER_SECONDS,
            set_as_default=False,
            security=self._security,
        )
        try:
            await self._client  # pyright: ignore[reportGeneralTypeIssues] - an asynchronous client is awaitable
        except Exception:
            await self._close()
            raise
        self._running_at = time.monotonic()
        log.info("cluster_joined")

    def _subscribe(self) -> None:
        """Renew the subscription to progress, which a reconnected client loses."""
        client = self._client
        if (
            client is not None
            and client.status == "running"
            and client.scheduler_comm is not self._subscribed_over
        ):
            client.subscribe_topic(PROGRESS_TOPIC, self._on_event)
            self._subscribed_over = client.scheduler_comm

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.close(timeout=CLOSE_SECONDS)  # pyright: ignore[reportGeneralTypeIssues] - as above
        except Exception as error:
            # It raises what ended its last attempt to connect, of any type, and would close itself once more.
            log.info("cluster_client_not_closed", error=type(error).__name__)
            client.status = "closed"

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:  # Any: plain values
        _, progress = event
        if (listener := self._listeners.get(progress["key"])) is not None:
            listener(progress["stage"], progress.get("percent"))


async def kill_worker_of(dask_worker: Nanny) -> None:
    """Kill the nanny's process at once: a polite stop would wait for the fit to end. Runs in the nanny."""
    if dask_worker.process is not None and dask_worker.process.process is not None:
        await dask_worker.process.process.kill()
