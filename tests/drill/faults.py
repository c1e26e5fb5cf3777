"""Faults: ways to break a running stack, and to end what broke it. Recovery itself is left to the stack."""

import asyncio
import os
import random
import signal
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.drill.disk import Disk
from tests.drill.network import Link
from tests.drill.programs import Replica, can_skew_clocks
from tests.drill.stack import DrillStack

SHORTEST_PAUSE = 1.0
# Longer than each time-out between services, of the database and of a lease.
LONG_PAUSES = (3.0, 8.0, 25.0)
LONGEST_PAUSE = 70.0
SKEW_SECONDS = 60
READ_ONLY_TRIES = 500
REACH_SECONDS, STOPPED_SECONDS = 15.0, 6.0
SLOW_SECONDS, SKEWED_SECONDS, RESTART_SECONDS = 5.0, 12.0, 60.0


# The points of `kit.fault_points`, by the program that passes them.
FAULT_POINTS = {
    "ml-service": (
        *("prediction charged", "prediction scored", "prediction stored", "batch held", "batch predicted"),
        *("batch settled", "refund recorded", "refund sent", "job held", "job claimed", "model trained"),
        *("model published", "job settled", "job ended", "model deleted", "dataset stored"),
        "dataset deleted",
    ),
    "billing-service": ("ledger decided", "ledger written", "ledger committed"),
    "auth-service": ("event delivered",),
    "dask-workers": ("artefact written",),
}


@dataclass(frozen=True)
class Fault:
    """A fault of some kind; `cause` returns when it is over, and repairs what does not repair itself."""

    kind: str
    name: str
    cause: Callable[[], Awaitable[object]]


class FaultPlan:
    """An endless sequence of faults, decided by a seed: each kind in turn, in a new order each time."""

    def __init__(self, stack: DrillStack, seed: int, *, quick: bool) -> None:
        self._stack, self._random, self._quick = stack, random.Random(seed), quick  # noqa: S311 - no secret

    def __iter__(self) -> Iterator[Fault]:
        makers = [
            self._stop_at_point,
            self._stop_at_point,
            self._kill,
            self._kill_worker,
            self._pause,
            self._slow,
            self._cut,
            self._restart_all,
            self._two,
        ]
        if self._stack.store_disk.can_fail:
            makers += [self._fill_home, self._fill_store, self._lock_store]
        if can_skew_clocks():
            makers.append(self._skew)
        while True:
            self._random.shuffle(makers)
            for make in makers:
                yield make()

    def _kill(self) -> Fault:
        replica = self._random.choice(self._stack.all_replicas)
        return Fault("kill", f"kill {replica.name}", lambda: kill(replica))

    def _stop_at_point(self) -> Fault:
        points = [(program, point) for program, points in FAULT_POINTS.items() for point in points]
        (program, point), action = self._random.choice(points), self._random.choice(["kill", "pause"])
        replica = self._random.choice(self._stack.replicas[program])
        name = f"{action} {replica.name} at '{point}'"
        return Fault(f"{action} between two steps", name, lambda: stop_at(replica, point, action))

    def _kill_worker(self) -> Fault:
        (nannies,) = self._stack.replicas["dask-workers"]
        return Fault("kill worker", "kill a worker", lambda: kill_worker(nannies))

    def _pause(self) -> Fault:
        replica = self._random.choice(self._stack.all_replicas)
        longest = LONG_PAUSES[1:2] if self._quick else (*LONG_PAUSES, LONGEST_PAUSE)
        seconds = self._random.choice([SHORTEST_PAUSE, *longest])
        return Fault("pause", f"pause {replica.name} for {seconds:g} s", lambda: pause(replica, seconds))

    def _slow(self) -> Fault:
        link, delay = self._random.choice(self._stack.links), self._random.uniform(0.02, 0.3)
        return Fault("slow network", f"slow {link.name} by {delay:.2f} s", lambda: slow_down(link, delay))

    def _cut(self) -> Fault:
        link, seconds = self._random.choice(self._stack.links), self._random.uniform(1, 6)
        return Fault("cut network", f"cut {link.name} for {seconds:.0f} s", lambda: cut(link, seconds))

    def _restart_all(self) -> Fault:
        return Fault("rolling restart", "rolling restart", lambda: restart_in_turn(self._stack))

    def _two(self) -> Fault:
        first, second = self._kill(), self._pause()
        return Fault(
            "two at once",
            f"{first.name}, {second.name}",
            lambda: asyncio.gather(first.cause(), second.cause()),
        )

    def _fill_home(self) -> Fault:
        disk, seconds = self._stack.home_disk, self._random.uniform(3, 8)
        return Fault(
            "full disk", f"full disk of the database for {seconds:.0f} s", lambda: fill(disk, seconds)
        )

    def _fill_store(self) -> Fault:
        disk, seconds = self._stack.store_disk, self._random.uniform(3, 8)
        return Fault("full disk", f"full store for {seconds:.0f} s", lambda: fill(disk, seconds))

    def _lock_store(self) -> Fault:
        disk, seconds = self._stack.store_disk, self._random.uniform(3, 8)
        return Fault(
            "read-only disk", f"read-only store for {seconds:.0f} s", lambda: make_read_only(disk, seconds)
        )

    def _skew(self) -> Fault:
        services = [replica for replica in self._stack.all_replicas if replica.name[-1].isdigit()]
        replica, skew = self._random.choice(services), self._random.choice([-SKEW_SECONDS, SKEW_SECONDS])
        return Fault(
            "skewed clock", f"clock of {replica.name} {skew:+d} s", lambda: skew_clock(replica, skew)
        )


async def kill(replica: Replica) -> None:
    replica.send(signal.SIGKILL)


async def stop_at(replica: Replica, point: str, action: str) -> None:
    """Kill the replica, or stop it for some seconds, when the work of the users brings it to this point."""
    armed = _arm(replica.folder)
    replica.fault_point = f"{point}:{action}:{armed}"
    await replica.restart()
    for _ in range(int(REACH_SECONDS / 0.1)):
        if not armed.exists():
            break
        await asyncio.sleep(0.1)
    armed.unlink(missing_ok=True)
    replica.fault_point = ""
    if action == "pause":
        await asyncio.sleep(STOPPED_SECONDS)
        for process in replica.all_processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()


def _arm(folder: Path) -> Path:
    """A new file: a process of an earlier fault still looks for that of its own."""
    descriptor, name = tempfile.mkstemp(prefix="fault-point-", dir=folder)
    os.close(descriptor)
    return Path(name)


async def kill_worker(nannies: Replica) -> None:
    nannies.send_to_workers(signal.SIGKILL)


async def pause(replica: Replica, seconds: float) -> None:
    """Stop all processes of the replica, as a machine that is suspended does."""
    processes = replica.all_processes()
    try:
        for process in processes:
            process.suspend()
        await asyncio.sleep(seconds)
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


async def slow_down(link: Link, delay: float) -> None:
    link.delay = delay
    await asyncio.sleep(SLOW_SECONDS)
    link.mend()


async def cut(link: Link, seconds: float) -> None:
    link.cut()
    await asyncio.sleep(seconds)
    link.mend()


async def restart_in_turn(stack: DrillStack) -> None:
    """Restart one replica of each service after the other, each only once all are ready."""
    for replica in stack.all_replicas:
        if replica.name[-1].isdigit():
            await replica.restart()
            await stack.wait_until_ready(RESTART_SECONDS)


async def fill(disk: Disk, seconds: float) -> None:
    try:
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(seconds)
    finally:
        disk.make_room()


async def make_read_only(disk: Disk, seconds: float) -> None:
    """Make it read-only at a moment at which no file is open for writing."""
    for _ in range(READ_ONLY_TRIES):
        if disk.set_read_only(True):
            break
        await asyncio.sleep(0.02)
    try:
        await asyncio.sleep(seconds)
    finally:
        disk.set_read_only(False)


async def skew_clock(replica: Replica, skew: int) -> None:
    replica.skew = skew
    await replica.restart()
    try:
        await asyncio.sleep(SKEWED_SECONDS)
    finally:
        replica.skew = 0
        await replica.restart()
