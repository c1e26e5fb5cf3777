"""Deadline of a task on the cluster."""

import asyncio

import pytest

from ml_service.jobs.cluster import Deadline

LIMIT = 600.0


def seconds_left(deadline: Deadline) -> float:
    return (deadline.timeout.when() or 0) - asyncio.get_running_loop().time()


async def test_task_has_twice_its_limit_before_first_progress() -> None:
    deadline = Deadline(LIMIT)
    async with deadline.timeout:
        assert seconds_left(deadline) == pytest.approx(2 * LIMIT, abs=5)


async def test_limit_starts_with_first_progress() -> None:
    deadline = Deadline(LIMIT)
    async with deadline.timeout:
        deadline.start()
        assert seconds_left(deadline) == pytest.approx(LIMIT, abs=5)


async def test_later_progress_does_not_extend_limit() -> None:
    deadline = Deadline(LIMIT)
    async with deadline.timeout:
        deadline.start()
        end = deadline.timeout.when()
        await asyncio.sleep(0)
        deadline.start()
        assert deadline.timeout.when() == end
