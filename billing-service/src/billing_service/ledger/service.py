"""The ledger: the only way to move tokens."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import asyncpg
import structlog

from billing_service.caches import PayerCache
from billing_service.calendar_rules import Clock
from billing_service.ledger.audit_log import log_outcome
from billing_service.ledger.commands import Command, CreditCommand, Credited, ExpireHold, Outcome
from billing_service.ledger.repository import LedgerCaches, open_books
from billing_service.ledger.rules import decide_all
from billing_service.prices.cache import PriceCache
from kit.background import every
from kit.database import Database
from kit.errors import ServiceError
from kit.fault_points import fault_point
from kit.outages import describe_outage
from kit.problems import from_crash

LARGEST_BATCH = 1000
LARGEST_SWEEP = 500
# Batches at a time: one is decided while the other commits. Locks keep them apart, like those of replicas.
WRITERS = 2
ATTEMPTS = 3
# Conflicts with a replica that uses the same key at the same time; a new attempt sees its rows.
KEY_CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Submission:
    """The commands of one caller, the future of their outcomes, and whether the caller has left."""

    commands: Sequence[Command]
    outcomes: "asyncio.Future[list[Outcome]]"
    is_abandoned: Callable[[], bool]


def _never() -> bool:
    return False


def utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Applies commands in batches: the commands that arrive while others commit form the next."""

    def __init__(
        self, database: Database, prices: PriceCache, payers: PayerCache | None = None, clock: Clock = utc_now
    ) -> None:
        self._database, self._clock = database, clock
        self._caches = LedgerCaches(prices, payers=payers or PayerCache())
        self._queue: asyncio.Queue[Submission] = asyncio.Queue()

    async def post(
        self, commands: Sequence[Command], is_abandoned: Callable[[], bool] = _never
    ) -> list[Outcome]:
        """Apply commands in order, independently of one another; the outcomes are committed on return.

        If the caller `is_abandoned` when they are decided, its charges and holds are refused.
        """
        future: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Submission(commands, future, is_abandoned))
        outcomes = await future
        # Logged here rather than by the writer, so that log events carry the request id.
        for command, outcome in zip(commands, outcomes, strict=True):
            log_outcome(command, outcome)
        return outcomes

    async def credit(self, command: CreditCommand) -> Credited:
        """Add tokens to a wallet; raises ServiceError for a refusal."""
        (outcome,) = await self.post([command])
        if isinstance(outcome, ServiceError):
            raise outcome
        assert isinstance(outcome, Credited)  # noqa: S101 - the only success of these commands
        return outcome

    async def sweep(self) -> int:
        """Expire overdue holds and return their number; replicas may sweep at the same time."""
        async with open_books(self._database, self._caches, self._clock) as repository:
            overdue = await repository.find_overdue_holds(self._clock(), LARGEST_SWEEP)
        outcomes = await self.post([ExpireHold(key) for key in overdue]) if overdue else []
        return sum(not isinstance(outcome, ServiceError) for outcome in outcomes)

    async def sweep_forever(self, seconds: float) -> None:
        await every(seconds, self._sweep_all, failure="sweep_failed")

    async def write_forever(self) -> None:
        """Write batches until cancelled; a process runs this once."""
        await asyncio.gather(*(self._write_batches() for _ in range(WRITERS)))

    async def _write_batches(self) -> None:
        while True:
            batch = [await self._queue.get()]
            size = len(batch[0].commands)
            while size < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                size += len(batch[-1].commands)
            await self._serve(batch)

    async def _sweep_all(self) -> None:
        while await self.sweep() == LARGEST_SWEEP:
            pass

    async def _serve(self, batch: Sequence[Submission]) -> None:
        try:
            outcomes = iter(await self._write_or_split(batch))
        except Exception as error:
            # All callers receive the error, and the writer continues with the next batch.
            for submission in batch:
                if not submission.outcomes.done():
                    submission.outcomes.set_exception(error)
            return
        for submission in batch:
            own = [next(outcomes) for _ in submission.commands]
            # The future of a cancelled request is done already.
            if not submission.outcomes.done():
                submission.outcomes.set_result(own)

    async def _write_or_split(self, batch: Sequence[Submission]) -> list[Outcome]:
        """Write the batch; if the database refuses it, write each command alone. Raises only in an outage."""
        try:
            return await self._write(batch)
        except Exception as error:
            # In an outage every command would fail alone, too.
            if describe_outage(error) is not None and not isinstance(error, KEY_CONFLICTS):
                raise
            singles = [replace(each, commands=[command]) for each in batch for command in each.commands]
            log.warning("batch_split", error=type(error).__name__, commands=len(singles))
            return [await self._write_alone(single) for single in singles]

    async def _write_alone(self, single: Submission) -> Outcome:
        try:
            (outcome,) = await self._write([single])
        except Exception as error:
            log.error("command_not_written", kind=type(single.commands[0]).__name__, exc_info=error)
            return from_crash(error)
        return outcome

    async def _write(self, batch: Sequence[Submission]) -> list[Outcome]:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._write_once(batch)
            except KEY_CONFLICTS:
                continue
        return await self._write_once(batch)

    async def _write_once(self, batch: Sequence[Submission]) -> list[Outcome]:
        commands = [command for submission in batch for command in submission.commands]
        async with open_books(self._database, self._caches, self._clock) as repository:
            # Callers leave during the wait for the locks.
            books, now = await repository.lock(commands)
            outcomes: list[Outcome] = []
            for each in batch:
                outcomes += decide_all(each.commands, books, now, is_abandoned=each.is_abandoned())
            fault_point("ledger decided")
            await repository.write(books.changes)
            fault_point("ledger written")
        fault_point("ledger committed")
        return outcomes
