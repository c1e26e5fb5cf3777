"""Rounds of a drill: people work, a fault strikes, the stack recovers, everything is verified."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.drill.faults import Fault, FaultPlan
from tests.drill.stack import DrillStack, running_stack
from tests.drill.verification import verify, verify_store
from tests.drill.workload import REQUEST_SECONDS, Json, Worker, working
from tests.support.books import assert_books_balance
from tests.support.people import administrator, grant, new_user

# Two minutes with the start and the end of the stack.
QUICK_MINUTES = 1.5
USERS = 3
PLENTY = 1_000_000
BEFORE_SECONDS, AFTER_SECONDS = (0.5, 3.0), 1.0
SECONDS_BETWEEN = 0.5
BOOKS_SECONDS = 30
# The logs of all programs, kept if a round failed.
FAILED_LOGS = Path(".artifacts") / "drill-logs"


@dataclass(frozen=True)
class Round:
    """One fault and its end; `failure` is what was wrong afterwards, if anything."""

    fault: Fault
    requests: int
    recovered_in: float
    failure: str | None = None


@dataclass
class Drill:
    """All rounds, and the verification of the ledger after the last one; empty if a round failed."""

    rounds: list[Round] = field(default_factory=list)
    books: Json = field(default_factory=dict)


async def drill(seconds: float, seed: int, *, quick: bool, report: Callable[[Round], None]) -> Drill:
    """Break a stack of its own for so long; ends at the first failure, which a run with the seed repeats.

    A quick drill does not wait until orphaned files are old enough to be deleted.
    """
    done = Drill()
    rounds = done.rounds
    async with running_stack() as stack, AsyncExitStack() as clients:
        workers = [worker async for worker in _workers(stack, clients, seed)]
        end = time.monotonic() + seconds
        for fault in FaultPlan(stack, seed, quick=quick):
            if time.monotonic() > end:
                break
            chance = random.Random(seed + len(rounds))  # noqa: S311 - no secret
            rounds.append(await _round(stack, workers, fault, chance))
            report(rounds[-1])
            if rounds[-1].failure is not None:
                shutil.copytree(stack.local.home.logs, FAILED_LOGS, dirs_exist_ok=True)
                return done
        if not quick:
            await verify_store(stack)
        done.books = await asyncio.to_thread(assert_books_balance, stack.public, BOOKS_SECONDS)
    return done


async def _workers(stack: DrillStack, clients: AsyncExitStack, seed: int) -> AsyncIterator[Worker]:
    for number in range(USERS):
        http = httpx.AsyncClient(base_url=stack.public.url, timeout=REQUEST_SECONDS)
        await clients.enter_async_context(http)
        user = await new_user(http)
        await grant(await administrator(http, stack.public), user, PLENTY)
        worker = Worker(user, random.Random(seed + number))  # noqa: S311 - no secret
        await worker.prepare()
        yield worker


async def _round(stack: DrillStack, workers: list[Worker], fault: Fault, chance: random.Random) -> Round:
    async with working(workers, SECONDS_BETWEEN):
        await asyncio.sleep(chance.uniform(*BEFORE_SECONDS))
        await fault.cause()
        await asyncio.sleep(AFTER_SECONDS)
    requests = sum(len(worker.attempts) for worker in workers)
    try:
        return Round(fault, requests, await verify(stack, workers))
    except AssertionError as error:
        return Round(fault, requests, 0.0, str(error))
