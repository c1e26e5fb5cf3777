"""Client of the cluster: progress after a restart of the scheduler, and tasks that only workers unpickle."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from distributed import Client, Scheduler
from tests.integration.ml.service import eventually
from tests.support.cluster import TestCluster

from kit.background import background_tasks
from ml_service.jobs.cluster import DaskCluster
from ml_service.learning.tasks import PROGRESS_TOPIC, as_document

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


async def test_scheduler_imports_no_code_of_the_tasks(cluster: TestCluster) -> None:
    """Dask's scheduler would import Arrow and the learning code to unpickle a task, and grow by 110 MB."""
    client = DaskCluster(cluster.address)
    async with background_tasks(client.stay_connected()):
        await eventually(client.slots, 20)
        answer = await client.submit("an-answer", as_document_of, {"rows": 3}).result()
    assert answer == {"result": {"key": "an-answer", "rows": 3}}
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as own:
        imported = await own.run_on_scheduler(lambda: set(sys.modules))
    assert not imported & {"ml_service.learning.tasks", "sklearn", "pandas", "pyarrow", "bokeh", "altair"}


def as_document_of(key: str, members: dict[str, object]) -> dict[str, object]:
    return as_document(lambda: {"key": key, **members})
