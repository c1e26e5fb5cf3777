"""Loops beside the requests."""

import asyncio

import pytest

from kit import background
from kit.background import running, wait_at_most


async def test_a_loop_ends_before_those_it_may_need() -> None:
    ended: list[str] = []

    async def loop(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # A loop that still has something to do at its end.
            await asyncio.sleep(0)
            ended.append(name)

    async with running(loop("connection"), loop("user")):
        await asyncio.sleep(0)
    assert ended == ["user", "connection"]


@pytest.mark.parametrize("steps", range(5))
async def test_a_loop_ends_even_if_told_something_at_that_moment(steps: int) -> None:
    told = asyncio.Event()

    async def loop() -> None:
        while True:
            await wait_at_most(told, 60)

    async with asyncio.timeout(5):
        async with running(loop()):
            await asyncio.sleep(0.01)
            told.set()
            for _ in range(steps):
                await asyncio.sleep(0)


async def test_a_loop_that_missed_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "ENDING_SECONDS", 0.05)
    missed: list[str] = []

    async def loop() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            missed.append("once")
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with running(loop()):
            await asyncio.sleep(0)
    assert missed == ["once"]


async def test_waiting_ends_with_the_event_or_the_time() -> None:
    event = asyncio.Event()
    await wait_at_most(event, 0.01)
    assert not event.is_set()
    event.set()
    async with asyncio.timeout(5):
        await wait_at_most(event, 60)
    assert not event.is_set()
