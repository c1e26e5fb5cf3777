"""The candidates of one comparison, each a task of its own: side by side while workers are free."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_service.learning.comparison.candidates import ComparisonSpec
from ml_service.learning.comparison.leaderboard import Entry, count_finished
from ml_service.learning.tasks import TableFile, score_on_worker
from ml_service.work.errands import Errand, run_errand
from ml_service.work.rules import GiveUp, Retry
from ml_service.work.run import Run
from ml_service.work.workers import Workers

LOOK_SECONDS = 1.0
PERCENT_BEFORE, PERCENT_AFTER = 5, 80
EVENT = "candidate"


class Contest:
    """`entries` tell at any time how the candidates, in their order, have done."""

    def __init__(self, run: Run, spec: ComparisonSpec, table: TableFile) -> None:
        self._run, self._spec, self._table = run, spec, table
        self._workers = Workers(run)
        self.entries = [Entry(each.type, each.params) for each in spec.candidates]
        self._waiting: deque[int] = deque()
        self._running: dict[asyncio.Task[Entry], int] = {}

    def recall(self, told: Mapping[str, Any]) -> None:  # Any: JSON
        """What an earlier attempt has noted of a candidate's end need not be found out again."""
        if told["candidate"]["state"] != "started":
            self.entries[told["number"] - 1] = Entry(**told["candidate"])

    async def hold(self) -> None:
        """Until all were tried, as many have finished as are paid for, or the time is over."""
        self._waiting.extend(n for n, entry in enumerate(self.entries) if entry.state == "not_tried")
        self._run.notes.stage("comparing", self._percent())
        seconds = self._seconds_left()
        if seconds is not None and seconds <= 0:
            return
        time = asyncio.timeout(seconds)
        try:
            async with time:
                await self._try_all()
        except TimeoutError:
            if not time.expired():
                raise
        finally:
            await self._stop_all()
        await self._workers.keep(1)

    async def _try_all(self) -> None:
        while True:
            while self._has_next() and (not self._running or await self._workers.take()):
                self._begin(self._waiting.popleft())
            if not self._running:
                return
            done, _ = await asyncio.wait(
                self._running, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                self._end(task)
            if done:
                await self._workers.keep(len(self._running))

    def _has_next(self) -> bool:
        paid_for = self._run.job.units - count_finished(self.entries) - len(self._running)
        return bool(self._waiting) and paid_for > 0

    def _begin(self, number: int) -> None:
        self._running[asyncio.create_task(self._try(number))] = number
        self._tell(number, {**self.entries[number].to_json(), "state": "started"})

    def _end(self, task: "asyncio.Task[Entry]") -> None:
        number = self._running.pop(task)
        self.entries[number] = task.result()
        self._tell(number, self.entries[number].to_json())

    async def _try(self, number: int) -> Entry:
        """Raises ClusterLost."""
        spec = self._spec.training(self._spec.candidates[number]).to_json()
        parts, attempts = self._run.parts, 0
        while True:
            attempts += 1
            errand = Errand(
                key=f"{self._run.name}-{number}-{attempts}",
                task=score_on_worker,
                arguments=(self._table, spec),
                attempts=attempts,
                time_limit=parts.time_limit,
            )
            outcome = await run_errand(parts.cluster, errand, _ignore)
            match outcome:
                case Retry(after_seconds):
                    await asyncio.sleep(after_seconds)
                case GiveUp(code, detail):
                    return self.entries[number].failed(code, detail)
                case _:
                    return self.entries[number].finished(outcome)

    async def _stop_all(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()

    def _seconds_left(self) -> float | None:
        began = self._run.job.started_at
        if self._spec.seconds is None or began is None:
            return None
        return self._spec.seconds - (datetime.now(UTC) - began).total_seconds()

    def _percent(self) -> int:
        ended = sum(entry.state != "not_tried" for entry in self.entries)
        return PERCENT_BEFORE + (PERCENT_AFTER - PERCENT_BEFORE) * ended // len(self.entries)

    def _tell(self, number: int, candidate: Mapping[str, Any]) -> None:  # Any: JSON
        place = {"number": number + 1, "of": len(self.entries)}
        self._run.notes.event(EVENT, self._percent(), {"candidate": dict(candidate), **place})


def _ignore(_stage: str, _percent: int | None) -> None:
    """All folds of a candidate are one event."""
