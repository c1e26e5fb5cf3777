"""Fair slots: turns of users, bounds of the queue, cancelled waiters."""

import asyncio

import pytest

from kit.identity import UserId
from ml_service.store.errors import ReadersBusy, TooManyAtOnce
from ml_service.store.fair_slots import FairSlots

ADA, BOB, CLEO = UserId(1), UserId(2), UserId(3)


class Calls:
    """Calls that occupy a slot until they are finished; `started` lists them in the order of their start."""

    def __init__(self, slots: FairSlots) -> None:
        self._slots, self.started = slots, list[str]()
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, user: UserId) -> None:
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._run(name, user))
        await asyncio.sleep(0.001)

    async def finish(self, name: str) -> None:
        self._ends[name].set()
        async with asyncio.timeout(2):
            await self._tasks[name]
        await asyncio.sleep(0.001)

    async def cancel(self, *names: str) -> None:
        """Cancel calls at once, as when the connection that carries them is cut."""
        tasks = [self._tasks[name] for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _run(self, name: str, user: UserId) -> None:
        async with self._slots.slot(user):
            self.started.append(name)
            await self._ends[name].wait()


async def test_user_never_occupies_the_last_slot() -> None:
    calls = Calls(FairSlots(2, 8, 8))
    await calls.begin("ada 1", ADA)
    await calls.begin("ada 2", ADA)
    assert calls.started == ["ada 1"]
    await calls.begin("bob 1", BOB)
    assert calls.started == ["ada 1", "bob 1"]


async def test_only_slot_serves_every_user() -> None:
    calls = Calls(FairSlots(1, 8, 8))
    await calls.begin("ada 1", ADA)
    assert calls.started == ["ada 1"]


async def test_waiting_users_take_turns() -> None:
    calls = Calls(FairSlots(1, 8, 8))
    await calls.begin("ada 1", ADA)
    for name in ("ada 2", "ada 3", "ada 4"):
        await calls.begin(name, ADA)
    await calls.begin("bob 1", BOB)
    await calls.begin("cleo 1", CLEO)
    for name in ("ada 1", "ada 2", "bob 1", "cleo 1", "ada 3"):
        await calls.finish(name)
    assert calls.started == ["ada 1", "ada 2", "bob 1", "cleo 1", "ada 3", "ada 4"]


async def test_queue_of_one_user_is_bounded() -> None:
    slots = FairSlots(1, 2, 100)
    calls = Calls(slots)
    for name in ("ada 1", "ada 2", "ada 3"):
        await calls.begin(name, ADA)
    with pytest.raises(TooManyAtOnce) as refused:
        async with slots.slot(ADA):
            pass
    assert refused.value.headers == {"Retry-After": "2"}
    await calls.begin("bob 1", BOB)
    await calls.finish("ada 1")
    await calls.finish("ada 2")
    assert calls.started[2] == "bob 1"


async def test_queue_of_all_users_is_bounded() -> None:
    slots = FairSlots(1, 8, 2)
    calls = Calls(slots)
    for name, user in (("ada 1", ADA), ("ada 2", ADA), ("bob 1", BOB)):
        await calls.begin(name, user)
    with pytest.raises(ReadersBusy):
        async with slots.slot(CLEO):
            pass


async def test_cancelled_waiter_leaves_the_queue() -> None:
    calls = Calls(FairSlots(1, 1, 8))
    await calls.begin("ada 1", ADA)
    await calls.begin("ada 2", ADA)
    await calls.cancel("ada 2")
    await calls.begin("ada 3", ADA)
    await calls.finish("ada 1")
    assert calls.started == ["ada 1", "ada 3"]


async def test_slot_given_to_a_cancelled_waiter_goes_to_the_next() -> None:
    slots = FairSlots(1, 8, 8)
    calls = Calls(slots)
    async with slots.slot(ADA):
        await calls.begin("ada 1", ADA)
        await calls.begin("bob 1", BOB)
    # The slot has passed to the first waiter, who has not woken yet.
    await calls.cancel("ada 1")
    await asyncio.sleep(0.001)
    assert calls.started == ["bob 1"]


@pytest.mark.parametrize("cancelled", [("ada 1", "ada 2"), ("ada 2", "ada 1"), ("ada 1", "ada 2", "ada 3")])
async def test_calls_that_are_cancelled_at_once_leave_their_slot(cancelled: tuple[str, ...]) -> None:
    calls = Calls(FairSlots(2, 8, 8))
    for name in ("ada 1", "ada 2", "ada 3"):
        await calls.begin(name, ADA)
    await calls.cancel(*cancelled)
    await calls.begin("ada 4", ADA)
    if "ada 3" not in cancelled:
        await calls.finish("ada 3")
    await calls.finish("ada 4")
    assert calls.started[-1] == "ada 4"
