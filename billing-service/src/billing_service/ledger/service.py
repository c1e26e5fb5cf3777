"""The one way to move tokens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
import structlog

from billing_service.ledger.audit_log import log_outcome
from billing_service.ledger.batch import Needs
from billing_service.ledger.commands import Buy, Credited, Grant, Movement, OpenWallet, Outcome
from billing_service.ledger.repository import open_books
from billing_service.ledger.rules import decide_all
from kit.database import Database
from kit.errors import ServiceError
from kit.outages import describe_outage
from kit.problems import from_crash

LARGEST_BATCH = 1000
ATTEMPTS = 3
# Another replica used the same key, or met us over it, at the same moment: what it did can be seen now.
MET_A_TWIN = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller's movements, and where the answer goes."""

    movements: Sequence[Movement]
    answer: "asyncio.Future[list[Outcome]]"


class Ledger:
    """Coalesces what concurrent callers ask for: whatever waits while a batch commits is the next batch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()

    async def post(self, movements: Sequence[Movement]) -> list[Outcome]:
        """Apply movements in order, each on its own; the outcomes are committed when this returns."""
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(Waiting(movements, answer))
        outcomes = await answer
        for movement, outcome in zip(movements, outcomes, strict=True):
            log_outcome(movement, outcome)
        return outcomes

    async def credit(self, order: OpenWallet | Grant | Buy) -> Credited:
        """Add tokens to a wallet; raises what it is refused with."""
        (outcome,) = await self.post([order])
        if isinstance(outcome, ServiceError):
            raise outcome
        assert isinstance(outcome, Credited)  # noqa: S101 - what the rules answer to these orders
        return outcome

    async def write_forever(self) -> None:
        """The process's only writer; callers who gave up waiting don't disturb it."""
        while True:
            batch = [await self._queue.get()]
            size = len(batch[0].movements)
            while size < LARGEST_BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                size += len(batch[-1].movements)
            await self._serve(batch)

    async def _serve(self, batch: Sequence[Waiting]) -> None:
        try:
            outcomes = iter(await self._write_or_split([each for one in batch for each in one.movements]))
        except Exception as error:
            # Whatever it is, the callers must hear of it and the next batch must be served.
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting in batch:
            answer = [next(outcomes) for _ in waiting.movements]
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    async def _write_or_split(self, movements: Sequence[Movement]) -> list[Outcome]:
        """One that cannot be written must not fail its neighbours; in an outage all would fail alike."""
        try:
            return await self._write(movements)
        except Exception as error:
            if describe_outage(error) is not None and not isinstance(error, MET_A_TWIN):
                raise
            log.warning("batch_split", error=type(error).__name__, movements=len(movements))
            return [await self._write_alone(movement) for movement in movements]

    async def _write_alone(self, movement: Movement) -> Outcome:
        try:
            (outcome,) = await self._write([movement])
        except Exception as error:
            # This one is the poison; its caller is told, and the log says what it was.
            log.error("movement_not_written", kind=type(movement).__name__, exc_info=error)
            return from_crash(error)
        return outcome

    async def _write(self, movements: Sequence[Movement]) -> list[Outcome]:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._write_once(movements)
            except MET_A_TWIN:
                continue
        return await self._write_once(movements)

    async def _write_once(self, movements: Sequence[Movement]) -> list[Outcome]:
        needs = Needs.of(movements)
        async with open_books(self._database) as repository:
            books = await repository.lock(needs)
            outcomes = decide_all(movements, books, datetime.now(UTC))
            await repository.write(books.changes)
        return outcomes
