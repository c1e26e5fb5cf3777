"""Causes of the death of a worker process."""

from typing import Any

import pytest
from distributed.core import Status
from distributed.scheduler import WorkerState

from ml_service.jobs import worker_deaths
from ml_service.jobs.worker_deaths import MEMORY_TOPIC, MemoryExceeded, WorkerDied, cause_of_death

ADDRESS, PID, KEY = "tcp://10.0.0.7:9000", 41, "12-1-ab"
KILLED = {"worker": ADDRESS, "pid": PID, "rss": 1_500_000_000}


class Reports:
    """A client whose scheduler knows these events after some requests."""

    def __init__(self, *events: dict[str, Any], after: int = 0) -> None:
        self.events, self.after = events, after

    async def get_events(self, topic: str) -> tuple[tuple[float, dict[str, Any]], ...]:
        assert topic == MEMORY_TOPIC
        self.after -= 1
        return tuple((0.0, event) for event in self.events) if self.after < 0 else ()


def dead_worker(*executing: str) -> WorkerState:
    worker = WorkerState(
        address=ADDRESS,
        status=Status.closed,
        pid=PID,
        name="a",
        nthreads=1,
        memory_limit=1,
        local_directory="/tmp",
        nanny="tcp://10.0.0.7:9001",
        server_id="a",
    )
    worker.executing = dict.fromkeys(executing, 1.0)  # pyright: ignore[reportAttributeAccessIssue] - as Dask sends it
    return worker


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_deaths, "REPORT_PAUSES", (0.0, 0.0))


async def cause(reports: Reports, *executing: str) -> type[WorkerDied]:
    return type(await cause_of_death(reports, KEY, dead_worker(*executing)))  # pyright: ignore[reportArgumentType] - what it needs


async def test_reported_process_has_exceeded_its_memory() -> None:
    assert await cause(Reports(KILLED), KEY) is MemoryExceeded


async def test_report_may_follow_the_death() -> None:
    assert await cause(Reports(KILLED, after=1), KEY) is MemoryExceeded


async def test_process_without_a_report_died_for_another_reason() -> None:
    assert await cause(Reports(), KEY) is WorkerDied


@pytest.mark.parametrize("changed", [{"pid": PID + 1}, {"worker": "tcp://10.0.0.8:9000"}])
async def test_report_of_another_process_says_nothing(changed: dict[str, object]) -> None:
    assert await cause(Reports(KILLED | changed), KEY) is WorkerDied


async def test_task_that_waited_on_the_worker_is_not_blamed() -> None:
    assert await cause(Reports(KILLED), "another-task") is WorkerDied


async def test_task_that_started_after_the_last_heartbeat_is_blamed() -> None:
    assert await cause(Reports(KILLED)) is MemoryExceeded
