"""Candidate search of a comparison: one cluster task per candidate, as many at once as workers are free."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from kit.outages import describe_outage
from ml_service.jobs.cluster import ClusterTask, run_task
from ml_service.jobs.context import JobContext
from ml_service.jobs.lease_repository import LeaseRepository
from ml_service.jobs.rules import CANDIDATE, GiveUp, Retry
from ml_service.learning.comparison import ComparisonSpec
from ml_service.learning.leaderboard import Entry, count_finished, seconds_left
from ml_service.learning.tasks import TableFile, score_on_worker

RETRY_WORKER_SECONDS = 1.0
PERCENT_BEFORE, PERCENT_AFTER = 5, 80

log = structlog.stdlib.get_logger()


class CandidateSearch:
    """Scores the candidates; `entries` holds their states in the order of the spec."""

    def __init__(self, context: JobContext, spec: ComparisonSpec, table: TableFile) -> None:
        self._context, self._spec, self._table = context, spec, table
        self._workers = ExtraWorkers(context)
        self.entries = [Entry(candidate.type, candidate.params) for candidate in spec.candidates]
        self._waiting: deque[int] = deque()
        self._running: dict[asyncio.Task[Entry], int] = {}
        self._started_at: dict[int, float] = {}

    def restore(self, event: Mapping[str, Any]) -> None:  # Any: JSON
        """Restore the end of a candidate from an event of an earlier attempt, to not score it again."""
        if event["candidate"]["state"] != "started":
            fields = {name: value for name, value in event["candidate"].items() if name != "name"}
            self.entries[event["number"] - 1] = Entry(**fields)

    async def run(self) -> None:
        """Score candidates until all were tried, the paid number has finished, or the time is over."""
        self._waiting.extend(n for n, entry in enumerate(self.entries) if entry.state == "not_tried")
        self._context.progress.report_stage("comparing", self._percent())
        seconds = budget_left(self._context, self._spec)
        if seconds is not None and seconds <= 0:
            return
        time_limit = asyncio.timeout(seconds)
        try:
            async with time_limit:
                await self._score_all()
        except TimeoutError:
            if not time_limit.expired():
                raise
        finally:
            await self._stop_all()
        await self._workers.keep(1)

    async def _score_all(self) -> None:
        while True:
            while self._has_next() and (not self._running or await self._workers.add()):
                self._start(self._waiting.popleft())
            if not self._running:
                return
            done, _ = await asyncio.wait(
                self._running, timeout=RETRY_WORKER_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                self._finish(task)
            if done:
                await self._workers.keep(len(self._running))

    def _has_next(self) -> bool:
        return bool(self._to_come())

    def _to_come(self) -> list[int]:
        """The waiting candidates that are paid for."""
        paid_for = self._context.job.units - count_finished(self.entries) - len(self._running)
        return list(self._waiting)[: max(0, paid_for)]

    def _start(self, number: int) -> None:
        self._running[asyncio.create_task(self._score(number))] = number
        self._started_at[number] = time.monotonic()
        self._report(number, {**self.entries[number].to_json(), "state": "started"})

    def _finish(self, task: "asyncio.Task[Entry]") -> None:
        number = self._running.pop(task)
        self.entries[number] = task.result()
        self._report(number, self.entries[number].to_json())

    async def _score(self, number: int) -> Entry:
        """Raises ClusterLost."""
        spec = self._spec.training(self._spec.candidates[number]).to_json()
        worker, attempts = self._context.worker, 0
        while True:
            attempts += 1
            task = ClusterTask(
                key=f"{self._context.name}-{number}-{attempts}",
                function=score_on_worker,
                arguments=(self._table, spec),
                attempts=attempts,
                time_limit=worker.time_limit,
            )
            outcome = await run_task(worker.cluster, task, _ignore_progress)
            match outcome:
                case Retry() as again:
                    self._context.progress.report_stage(again.stage, self._percent())
                    await asyncio.sleep(again.after_seconds)
                    self._context.progress.report_stage("comparing", self._percent())
                case GiveUp(code, detail):
                    return self.entries[number].failed(code, detail)
                case _:
                    return self.entries[number].finished(outcome)

    async def _stop_all(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _estimate(self) -> float | None:
        """The seconds until the model is trained, which the budget of seconds may end earlier."""
        now = time.monotonic()
        running = {number: now - self._started_at[number] for number in self._running.values()}
        return seconds_left(self.entries, running, self._to_come())

    def _percent(self) -> int:
        ended = sum(entry.state != "not_tried" for entry in self.entries)
        return PERCENT_BEFORE + (PERCENT_AFTER - PERCENT_BEFORE) * ended // len(self.entries)

    def _report(self, number: int, candidate: Mapping[str, Any]) -> None:  # Any: JSON
        """Report a candidate's start or end, with the state of the whole comparison."""
        running = sorted(self._running.values())
        event = {
            "candidate": {**candidate, "name": self.entries[number].name},
            "number": number + 1,
            "of": len(self.entries),
            "running": [self.entries[index].name for index in running],
            "finished": count_finished(self.entries),
            "left": len(running) + len(self._to_come()),
            "seconds_left": self._estimate(),
        }
        self._context.progress.report_event(CANDIDATE, self._percent(), event)


def budget_left(context: JobContext, spec: ComparisonSpec) -> float | None:
    """The seconds left of the budget; None without one."""
    started = context.job.started_at
    if spec.seconds is None or started is None:
        return None
    return spec.seconds - (datetime.now(UTC) - started).total_seconds()


class ExtraWorkers:
    """Additional workers of a job, taken only while they are free and no other job waits.

    During a database outage none are added, but running tasks continue. Each method raises LeaseLost.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context

    async def add(self) -> bool:
        """Reserve one more worker; false when none is free."""
        job, lease = self._context.job, self._context.lease
        slots = self._context.worker.cluster.known_slots
        return await self._update(lambda leases: leases.add_worker(job.id, lease, slots))

    async def keep(self, count: int) -> None:
        """Release all workers beyond this number."""
        job, lease = self._context.job, self._context.lease
        await self._update(lambda leases: leases.set_workers(job.id, lease, max(1, count)))

    async def _update(self, step: Callable[[LeaseRepository], Awaitable[bool]]) -> bool:
        try:
            async with self._context.worker.leases() as leases:
                return await step(leases)
        except Exception as error:
            if describe_outage(error) is None:
                raise
            log.warning("workers_not_counted", error=type(error).__name__)
            return False


def _ignore_progress(_stage: str, _percent: int | None) -> None:
    """Ignore progress within a candidate: all of its folds are one event."""
