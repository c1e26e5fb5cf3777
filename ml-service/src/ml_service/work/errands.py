"""One task of a job on the cluster, within its time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ml_service.base import Json
from ml_service.jobs.rules import JobKind
from ml_service.work.cluster import ClusterLost, DaskCluster, Fit, Task, WorkerDied
from ml_service.work.rules import Failure, GiveUp, Retry, decide

Hear = Callable[[str, int | None], object]

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Errand:
    """A task with the key that it is known by; `attempts` counts this one."""

    key: str
    task: Task
    arguments: tuple[object, ...]
    attempts: int
    time_limit: float
    kind: str = JobKind.TRAIN


class OutOfTime(Exception):
    """The task took longer than it may."""


class Watch:
    """Waits for one task; whatever ends the wait early kills the process that the task runs in."""

    def __init__(self, cluster: DaskCluster, errand: Errand, hear: Hear) -> None:
        self._cluster, self._errand, self._hear = cluster, errand, hear
        self._heard = False
        self._deadline: asyncio.Timeout | None = None

    async def result(self) -> Json:
        """Raises OutOfTime, WorkerDied, ClusterLost, or what the task raised."""
        errand = self._errand
        try:
            fit = self._cluster.start(
                errand.key, errand.task, *errand.arguments, listener=self._hear_of_stage
            )
            return await self._wait_for(fit)
        finally:
            self._cluster.forget(errand.key)

    async def _wait_for(self, fit: Fit) -> Json:
        try:
            # Twice the limit until the first word of it: a dead replica's fit may still occupy the worker.
            async with asyncio.timeout(2 * self._errand.time_limit) as self._deadline:
                return await fit.result()
        except TimeoutError as error:
            await fit.stop()
            raise OutOfTime from error
        except asyncio.CancelledError:
            await fit.stop()
            raise

    def _hear_of_stage(self, stage: str, percent: int | None) -> None:
        if not self._heard and self._deadline is not None:
            self._deadline.reschedule(asyncio.get_running_loop().time() + self._errand.time_limit)
        self._heard = True
        self._hear(stage, percent)


async def run_errand(cluster: DaskCluster, errand: Errand, hear: Hear) -> Json | GiveUp | Retry:
    """What the task gave, or what becomes of one that gave nothing. Raises ClusterLost.

    `hear` is told each stage, and how far that is where the task knows it.
    """
    try:
        answer = await Watch(cluster, errand, hear).result()
    except OutOfTime:
        failure = Failure("time_limit")
    except WorkerDied:
        failure = Failure("worker_died")
    except ClusterLost:
        raise
    except Exception as crash:
        # A bug in a task must end that one only, with its traceback in the log.
        log.error("task_crashed", exc_info=crash)
        failure = Failure("crashed")
    else:
        if "error" not in answer:
            return answer["result"]
        error = answer["error"]
        failure = Failure("refused", error["code"], error["detail"], error["members"])
    return decide(failure, errand.kind, errand.attempts, errand.time_limit)
