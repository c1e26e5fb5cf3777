"""Background loops: shutdown, failures, wake-ups, and shared calls."""

import asyncio

import pytest

from kit import background
from kit.background import SingleFlight, background_tasks, every, wait_for_event


async def test_loops_are_cancelled_in_reverse_order() -> None:
    ended: list[str] = []

    async def loop(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # A loop with clean-up work at its end.
            await asyncio.sleep(0)
            ended.append(name)

    async with background_tasks(loop("connection"), loop("user")):
        await asyncio.sleep(0)
    assert ended == ["user", "connection"]


@pytest.mark.parametrize("steps", range(5))
async def test_loop_is_cancelled_when_its_event_is_set_at_the_same_moment(steps: int) -> None:
    event = asyncio.Event()

    async def loop() -> None:
        while True:
            await wait_for_event(event, 60)

    async with asyncio.timeout(5):
        async with background_tasks(loop()):
            await asyncio.sleep(0.01)
            event.set()
            for _ in range(steps):
                await asyncio.sleep(0)


async def test_loop_that_lost_its_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_SECONDS", 0.05)
    missed: list[str] = []

    async def loop() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            missed.append("once")
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with background_tasks(loop()):
            await asyncio.sleep(0)
    assert missed == ["once"]


async def test_wait_for_event_ends_with_the_event_or_the_timeout() -> None:
    event = asyncio.Event()
    await wait_for_event(event, 0.01)
    assert not event.is_set()
    event.set()
    async with asyncio.timeout(5):
        await wait_for_event(event, 60)
    assert not event.is_set()


async def test_every_outlives_failures_and_backs_off(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    rounds = 0
    done = asyncio.Event()

    async def record_pause(_event: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            done.set()
        await asyncio.sleep(0)

    async def fail_four_times() -> None:
        nonlocal rounds
        rounds += 1
        if rounds <= 4:
            raise ConnectionResetError

    monkeypatch.setattr(background, "wait_for_event", record_pause)
    loop = every(1.0, fail_four_times, failure="step_failed", longest_backoff=5.0)
    async with asyncio.timeout(5), background_tasks(loop):
        await done.wait()
    assert pauses[:6] == [2.0, 4.0, 5.0, 5.0, 1.0, 1.0]


async def test_every_runs_at_once_when_woken() -> None:
    wake, ran = asyncio.Event(), asyncio.Queue[None]()

    async def step() -> None:
        ran.put_nowait(None)

    async with asyncio.timeout(5), background_tasks(every(3600, step, failure="step_failed", wake=wake)):
        await ran.get()
        wake.set()
        await ran.get()


async def test_single_flight_shares_one_call_and_survives_a_cancelled_caller() -> None:
    flights: SingleFlight[str, int] = SingleFlight()
    calls, release = 0, asyncio.Event()

    async def call() -> int:
        nonlocal calls
        calls += 1
        await release.wait()
        return calls

    callers = [asyncio.create_task(flights.run("key", call)) for _ in range(3)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(*callers[1:]) == [1, 1]
    assert callers[0].cancelled()
    assert await flights.run("key", call) == 2


async def test_single_flight_starts_a_new_call_after_forget() -> None:
    flights: SingleFlight[str, str] = SingleFlight()
    release = asyncio.Event()

    async def call(result: str) -> str:
        await release.wait()
        return result

    old = asyncio.create_task(flights.run("key", lambda: call("old")))
    await asyncio.sleep(0)
    flights.forget("key")
    new = asyncio.create_task(flights.run("key", lambda: call("new")))
    await asyncio.sleep(0)
    release.set()
    assert await asyncio.gather(old, new) == ["old", "new"]
    assert not flights.is_running("key")
