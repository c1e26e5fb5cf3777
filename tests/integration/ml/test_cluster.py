"""The cluster as its client sees it: a scheduler that comes back is heard again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from distributed import Scheduler
from tests.integration.ml.service import eventually

from kit.background import background_tasks
from ml_service.jobs.cluster import TOPIC, DaskCluster

KEY = "a-fit"


@pytest.fixture
async def first() -> AsyncIterator[Scheduler]:
    async with _scheduler(0) as made:
        yield made


def _scheduler(port: int) -> Scheduler:
    # Its page is not wanted and cannot be left out, so it has a port that nobody else uses.
    return Scheduler(host="127.0.0.1", port=port, dashboard=False, dashboard_address="127.0.0.1:0")


async def test_progress_is_heard_of_a_scheduler_that_was_away_for_a_moment(first: Scheduler) -> None:
    heard: list[str] = []
    cluster = DaskCluster(first.address)
    cluster._listeners[KEY] = lambda stage, _percent: heard.append(stage)

    async def is_heard(scheduler: Scheduler, stage: str) -> None:
        async def arrives() -> bool:
            scheduler.log_event(TOPIC, {"key": KEY, "stage": stage})
            await asyncio.sleep(0.1)
            return stage in heard

        await eventually(arrives, 20)

    async with background_tasks(cluster.stay_connected()):
        await is_heard(first, "before")
        await first.close()
        async with _scheduler(first.port) as second:
            await is_heard(second, "after")
