"""Simulation of charges and holds from one seed: clients, faults, and what must hold once all is quiet."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import structlog
from structlog.types import EventDict

from kit.errors import IdempotencyTwinRunning, ServiceError
from kit.identity import UserId
from ml_service.billing.holds import prorate
from ml_service.billing.port import Receipt
from tests.support.simulation.billing_server import PRICES, BillingServer, Standing
from tests.support.simulation.ml_process import MlProcess, Work
from tests.support.simulation.processes import FAULTS_END, World
from tests.support.simulation.stores import Tables
from tests.support.virtual_time import run_in_virtual_time

USERS = (UserId(1), UserId(2))
REQUESTS, PROCESSES = 6, 2
LONGEST_RETRY_PAUSE = 8.0
# Twice as long as a lease lasts.
LONGEST_PAUSE = 60.0
# Work, the last retry of its settlement and its refund.
WORK_END = 30.0
# Clients of killed processes wait for their lease, refunds for the next round that sends them.
CLIENTS_END, REFUNDS_END = 150.0, 8.0
NOTHING = Standing(0, 0)


@dataclass
class Attempt:
    process: MlProcess
    served: asyncio.Task[Receipt]

    async def wait(self, patience: float | None = None) -> None:
        """Wait until it has ended, its clean-up included, or its process is killed."""
        ends = [self.served, self.process.killed]
        await asyncio.wait(ends, timeout=patience, return_when=asyncio.FIRST_COMPLETED)

    @property
    def receipt(self) -> Receipt | None:
        """The receipt of an answer, whether or not the client has waited for it."""
        if not self.served.done() or self.served.cancelled() or self.served.exception() is not None:
            return None
        return self.served.result()

    @property
    def is_unknown(self) -> bool:
        """A killed process leaves its client without an answer, and maybe with a charge."""
        return self.receipt is None and self.process.killed.done()


@dataclass
class Client:
    """One request: a client without a key sends it once, one with a key until it is answered or refused."""

    world: World
    work: Work
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    has_ended: bool = False
    repeated: Attempt | None = None

    async def run(self, simulation: "Simulation") -> None:
        await asyncio.sleep(self.world.random.random() * FAULTS_END / 2)
        while not self.has_ended:
            await self._attempt(await simulation.pick_process())
            if not self.has_ended:
                await asyncio.sleep(0.1 + self.world.random.random() * LONGEST_RETRY_PAUSE)

        if self.work.key is not None and any(attempt.receipt for attempt in self.attempts):
            await self._repeat_forgotten(simulation)

    async def _repeat_forgotten(self, simulation: "Simulation") -> None:
        """Send an answered request again under a key that is forgotten long after its attempts have ended."""
        await asyncio.sleep(max(0.0, FAULTS_END - self.world.now))
        await asyncio.gather(*(attempt.wait() for attempt in self.attempts))
        await asyncio.sleep(REFUNDS_END)
        if self.world.random.random() < 0.3:
            simulation.tables.keys.pop((str(self.work.user), str(self.work.key)), None)
            process = await simulation.pick_process()
            self.repeated = Attempt(process, asyncio.create_task(process.serve(self.work)))
            await self.repeated.wait()

    async def _attempt(self, process: MlProcess) -> None:
        attempt = Attempt(process, asyncio.create_task(process.serve(self.work)))
        self.attempts.append(attempt)
        self.world.log(f"{self.work} sent to {process.name}")
        patience = self.world.random.random() * 6 if self.world.happens(0.5) else None
        await attempt.wait(patience)
        if not attempt.served.done() and not process.killed.done():
            self.world.log(f"{self.work.resource} given up")
            attempt.served.cancel()
        elif attempt.served.done():
            self.world.log(f"{self.work.resource} ended:", attempt.served)
        self.has_ended = self.work.key is None or self._is_final(attempt)

    def _is_final(self, attempt: Attempt) -> bool:
        if not attempt.served.done():
            return False
        if attempt.receipt is not None:
            # An answer may be lost on its last way.
            return not self.world.happens(0.2)
        error = attempt.served.exception()
        is_refusal = isinstance(error, ServiceError) and error.status < 500
        return is_refusal and not isinstance(error, IdempotencyTwinRunning)

    @property
    def price(self) -> int:
        if self.work.kind == "prediction":
            return PRICES["predict" if self.work.rows == 1 else "batch"].cost_of(self.work.rows)
        price = PRICES["batch"]
        return prorate(price.cost_of(self.work.rows), self.work.rows, self.work.good, price.per_units)

    def broken(self, standing: Standing, *, is_stored: bool) -> Iterator[str]:
        """What is wrong with the charges that stand for this request, whose answer may still be stored."""
        receipts = [attempt.receipt for attempt in self.attempts if attempt.receipt is not None]
        paid = Standing(1, self.price)
        if receipts:
            allowed = {paid}
        elif any(attempt.is_unknown for attempt in self.attempts) and (self.work.key is None or is_stored):
            # Under a key, the next retry would receive the stored answer, paid by this charge.
            allowed = {NOTHING, paid}
        else:
            allowed = {NOTHING}
        if standing not in allowed:
            yield f"{self.work.resource}: {standing} stands, right is one of {allowed}"
        if any(receipt.tokens != self.price for receipt in receipts):
            yield f"{self.work.resource}: costs {self.price}, the receipts are {receipts}"
        if self.repeated is not None and self.repeated.receipt is not None:
            yield f"{self.work.resource}: was served anew, without a charge of its own"
        unfinished = [
            each for each in self.attempts if not each.served.done() and not each.process.killed.done()
        ]
        if unfinished or not self.has_ended:
            yield f"{self.work.resource}: not ended"


class Simulation:
    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.tables = Tables()
        self.grants = {user: self.world.random.choice([12, 60, 1000]) for user in USERS}
        self.clients = [Client(self.world, self._draw_work(number)) for number in range(REQUESTS)]
        self.processes: list[MlProcess] = []
        self.server: BillingServer

    async def run(self) -> list[str]:
        """Run to the quiet end; returns what is broken."""
        self.server = BillingServer(self.world, {int(user): grant for user, grant in self.grants.items()})
        self.processes = [self._start(f"ml-{number}") for number in range(PROCESSES)]
        faults = [asyncio.create_task(self._break_processes(n)) for n in range(PROCESSES)]
        faults.append(asyncio.create_task(self._break_server()))
        clients = [asyncio.create_task(client.run(self)) for client in self.clients]
        _, unfinished = await asyncio.wait([*clients, *faults], timeout=CLIENTS_END)
        await self._wait_for_paused()
        await self.world.wait_for_messages()
        answered = {key for (_, key), row in self.tables.keys.items() if row.answer is not None}
        await self.tables.expire()
        await asyncio.sleep(REFUNDS_END)
        self.world.log("quiet")
        self.server.jump()
        broken = [*self._broken(answered), *(f"not ended: {task}" for task in unfinished)]
        await _end_all_tasks()
        return broken

    async def _wait_for_paused(self) -> None:
        """Wait until what stands still has woken and ended its work."""
        woken = max(process.paused_until for process in self.processes)
        if woken > 0:
            await asyncio.sleep(max(0.0, woken - self.world.now) + WORK_END)

    async def pick_process(self) -> MlProcess:
        """One of the live processes, as a load balancer picks it."""
        while True:
            if live := [process for process in self.processes if not process.killed.done()]:
                return self.world.random.choice(live)
            await asyncio.sleep(0.1)

    def _start(self, name: str) -> MlProcess:
        return MlProcess(self.world, name, self.server, self.tables)

    def _draw_work(self, number: int) -> Work:
        random = self.world.random
        rows = random.choice([1, 1, 3, 8])
        return Work(
            resource=f"model-{number}",
            user=random.choice(USERS),
            kind=random.choice(["prediction", "batch"]),
            rows=rows,
            good=random.randint(0, rows),
            key=f"key-{number}" if random.random() < 0.6 else None,
            deadline_ms=random.choice([None, b"3000", b"10000"]),
        )

    async def _break_processes(self, number: int) -> None:
        """Stop a process for a while, or kill it and start its successor."""
        while self.world.happens(0.4):
            await self.world.sleep(min(FAULTS_END / 2, FAULTS_END - self.world.now))
            if self.world.random.random() < 0.5:
                self.processes[number].stand_still(LONGEST_PAUSE)
                continue
            self.processes[number].kill()
            await self.world.sleep(2.0)
            self.processes[number] = self._start(f"{self.processes[number].name}'")

    async def _break_server(self) -> None:
        while self.world.happens(0.5):
            await self.world.sleep(min(FAULTS_END / 2, FAULTS_END - self.world.now))
            if self.world.random.random() < 0.7:
                self.server.crash()
            else:
                self.server.jump()

    def _broken(self, answered: set[str]) -> Iterator[str]:
        yield from self.server.broken
        standing = {
            client.work.resource: self.server.standing(client.work.resource) for client in self.clients
        }
        for client in self.clients:
            is_stored = client.work.key in answered
            yield from client.broken(standing[client.work.resource], is_stored=is_stored)
        for user, grant in self.grants.items():
            wallet = self.server.books.wallets[user]
            spent = sum(standing[c.work.resource].tokens for c in self.clients if c.work.user == user)
            if (wallet.posted, wallet.held) != (grant - spent, 0):
                yield f"user {user} was granted {grant} and has spent {spent}, but has {wallet}"
        if self.tables.refunds.recorded:
            yield f"pending refunds: {self.tables.refunds.recorded}"


def simulate(seed: int) -> tuple[list[str], World]:
    """Run the simulation of a seed; returns what is broken, and the world with the trace."""
    simulation = Simulation(seed)
    with patch.object(time, "monotonic", _loop_time), _log_into(simulation.world):
        return run_in_virtual_time(simulation.run()), simulation.world


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _log_into(world: World) -> Iterator[None]:
    """Trace the log events of the services instead of writing them."""

    def trace(_logger: object, _method: str, event: EventDict) -> EventDict:
        world.log("  log:", event)
        raise structlog.DropEvent

    with structlog.testing.capture_logs([trace]):
        yield


async def _end_all_tasks() -> None:
    """End what killed processes left behind; it has no effect any more, since the result is known."""
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
