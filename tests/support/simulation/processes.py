"""Simulated processes: they can be killed, and all that they do takes random time from one seed."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import NoReturn, TypeVar

Result = TypeVar("Result")

# A step to the store or the network, in seconds.
STEP_SECONDS, SLOW_STEP_SECONDS = 0.005, 3.0
# Afterwards nothing fails any more.
FAULTS_END = 15.0


@dataclass
class World:
    """What all processes share: the random numbers, the time, and the trace of the run."""

    seed: int
    random: Random = field(init=False)
    # The probability of a fault for each message.
    fault_rate: float = field(init=False)
    # Rendered only when it is shown.
    trace: list[tuple[float, tuple[object, ...]]] = field(
        default_factory=list[tuple[float, tuple[object, ...]]]
    )
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - no secret
        self.fault_rate = self.random.choice([0.0, 0.05, 0.15, 0.3])

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def log(self, *parts: object) -> None:
        self.trace.append((self.now, parts))

    def show(self) -> str:
        return "\n".join(f"{time:9.3f}  {' '.join(map(_text, parts))}" for time, parts in self.trace)

    def run(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run work that belongs to no process, such as a message on its way."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def wait_for_messages(self) -> None:
        """Wait until no message is on its way."""
        while self._running:
            await asyncio.wait(self._running)

    async def sleep(self, longest: float) -> None:
        await asyncio.sleep(self.random.random() * longest)

    def happens(self, probability: float) -> bool:
        """Whether something happens that does not happen after the faults have ended."""
        return self.now < FAULTS_END and self.random.random() < probability

    def fault(self, *kinds: str) -> str:
        """One of the kinds of faults, or nothing."""
        return self.random.choice(kinds) if self.happens(self.fault_rate) else ""


class Process:
    """A process: once it is killed, no step has an effect or returns; while it stands still, none begins."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.paused_until = 0.0
        self.killed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def kill(self) -> None:
        self.world.log(f"{self.name} killed")
        self.killed.set_result(None)

    def stand_still(self, longest: float) -> None:
        """Stop all steps for a while, as SIGSTOP does."""
        self.world.log(f"{self.name} stands still")
        # SIGCONT comes at the end of the longest one.
        self.paused_until = max(self.paused_until, self.world.now + self.world.random.random() * longest)

    async def pause(self, longest: float | None = None) -> None:
        if longest is None:
            longest = SLOW_STEP_SECONDS if self.world.happens(self.world.fault_rate / 4) else STEP_SECONDS
        await self.world.sleep(longest)
        await self.live()

    async def live(self) -> None:
        """Return only in a live process. A cancellation ends the wait; the clean-up meets the next one."""
        if (left := self.paused_until - self.world.now) > 0:
            await asyncio.sleep(left)
            # It may have been stopped again.
            await self.live()
        if self.killed.done():
            await asyncio.get_running_loop().create_future()

    async def step(self, effect: Callable[[], Result]) -> Result:
        """A statement of the database: the process can die, or be cancelled, before and after its effect.

        A database that is away or full refuses it, or does not confirm it.
        """
        await self.pause()
        is_faulty = self.world.happens(self.world.fault_rate / 4)
        if is_faulty and self.world.happens(0.5):
            self._fail("statement refused")
        result = effect()
        await self.pause()
        if is_faulty:
            self._fail("statement not confirmed")
        return result

    def _fail(self, fault: str) -> NoReturn:
        self.world.log(f"  {self.name}'s {fault}")
        raise ConnectionError


def _text(part: object) -> str:
    return part if isinstance(part, str) else repr(part)
