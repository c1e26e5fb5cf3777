"""The cluster client receives progress after a restart of the scheduler."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from distributed import Scheduler
from tests.integration.ml.service import eventually

from kit.background import background_tasks
from ml_service.jobs.cluster import DaskCluster
from ml_service.learning.tasks import PROGRESS_TOPIC

KEY = "a-fit"


@pytest.fixture
async def first() -> AsyncIterator[Scheduler]:
    async with _scheduler(0) as scheduler:
        yield scheduler


def _scheduler(port: int) -> Scheduler:
    # The dashboard cannot be disabled, so it gets a free port.
    return Scheduler(host="127.0.0.1", port=port, dashboard=False, dashboard_address="127.0.0.1:0")


async def test_progress_arrives_after_scheduler_restart(first: Scheduler) -> None:
    received: list[str] = []
    cluster = DaskCluster(first.address)

    async def assert_received(scheduler: Scheduler, stage: str) -> None:
        async def arrives() -> bool:
            scheduler.log_event(PROGRESS_TOPIC, {"key": KEY, "stage": stage})
            await asyncio.sleep(0.1)
            return stage in received

        await eventually(arrives, 20)

    with cluster.listening(KEY, lambda stage, _percent: received.append(stage)):
        async with background_tasks(cluster.stay_connected()):
            await assert_received(first, "before")
            await first.close()
            async with _scheduler(first.port) as second:
                await assert_received(second, "after")
