"""The durable tables of ml-service, in memory, as one process reaches them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NoReturn, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning
from kit.idempotency import LEASE, NOW, Claim, FirstAnswers, KeyedRequest
from ml_service.billing.charges import refunds_of
from ml_service.billing.port import ChargeKey
from ml_service.billing.repository import Refund
from tests.support.memory_refunds import MemoryRefunds
from tests.support.simulation.processes import Process


@dataclass
class KeyRow:
    fingerprint: bytes
    lease: UUID
    lease_until: float
    answer: bytes | None = None


@dataclass
class Tables:
    """Tables and files that survive every process."""

    refunds: MemoryRefunds = field(default_factory=MemoryRefunds)
    keys: dict[tuple[str, str], KeyRow] = field(default_factory=dict[tuple[str, str], KeyRow])
    files: set[str] = field(default_factory=set[str])

    def is_current(self, claim: Claim) -> bool:
        """A request without a key has no row."""
        row = self.keys.get(_id(claim.request))
        return row is None or row.lease == claim.lease

    async def expire(self) -> None:
        """Forget the claims of dead requests, as the sweeper does, and refund what they may have paid."""
        dead = [identity for identity, row in self.keys.items() if row.answer is None]
        requests = [KeyedRequest(*identity, self.keys.pop(identity).fingerprint) for identity in dead]
        await self.refunds.add(refunds_of(requests))


class SimulatedRefunds:
    """The store of refunds, whose statements take time and may be the last ones of the process."""

    def __init__(self, process: Process, tables: Tables) -> None:
        self._process, self._tables, self._store = process, tables, tables.refunds

    async def add(self, refunds: Sequence[Refund], claim: Claim | None = None) -> bool:
        recorded = {refund.key: refund for refund in refunds}

        def add() -> bool:
            is_current = claim is None or self._tables.is_current(claim)
            if is_current:
                self._store.recorded = recorded | self._store.recorded
            return is_current

        return not refunds or await self._process.step(add)

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        return await self._process.step(lambda: {key for key in keys if key in self._store.recorded})

    async def list_oldest(self, count: int) -> Sequence[Refund]:
        # An empty list, the most frequent one, takes no time, so that the simulation takes less.
        await (self._process.pause() if self._store.recorded else self._process.live())
        return await self._store.list_oldest(count)

    async def delete(self, keys: Sequence[ChargeKey]) -> None:
        def delete() -> None:
            for key in keys:
                self._store.recorded.pop(key, None)

        await self._process.step(delete)


class SimulatedAnswers(FirstAnswers):
    """The real protocol of claims; its statements act on a table in memory."""

    def __init__(self, process: Process, tables: Tables) -> None:
        super().__init__(None, None)  # type: ignore[arg-type] - no method that uses them is left
        self._process, self._rows = process, tables.keys

    async def keep(
        self, claim: Claim, answer: bytes, _location: str | None, session: AsyncSession | None
    ) -> None:
        assert session is None, "jobs are not simulated"

        def store() -> bool:
            row = self._as_claimed(claim)
            if row is not None:
                row.answer = answer
            return row is not None

        if not await self._process.step(store):
            raise IdempotencyTwinRunning

    async def _begin(self, claim: Claim) -> bool:
        request = claim.request

        def begin() -> bool:
            now = self._process.world.now
            row = self._rows.get(_id(request))
            if row is None:
                until = now + LEASE.total_seconds()
                self._rows[_id(request)] = KeyRow(request.fingerprint, claim.lease, until)
                claim.is_first = True
                return True
            is_running = row.answer is None and row.lease_until >= now
            if is_running or row.fingerprint != request.fingerprint:
                return False
            row.lease, row.lease_until = claim.lease, now + LEASE.total_seconds()
            claim.first_answer = row.answer
            return True

        return await self._process.step(begin)

    async def _refuse(self, request: KeyedRequest) -> NoReturn:
        row = await self._process.step(lambda: self._rows.get(_id(request)))
        if row is not None and row.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused
        raise IdempotencyTwinRunning

    async def _withdraw(self, claim: Claim) -> None:
        def withdraw() -> None:
            if self._as_claimed(claim) is not None:
                del self._rows[_id(claim.request)]

        await self._process.step(withdraw)

    async def _end_lease(self, claim: Claim, left: timedelta = NOW) -> None:
        def end() -> None:
            if (row := self._as_claimed(claim)) is not None:
                row.lease_until = self._process.world.now + left.total_seconds()

        await self._process.step(end)

    def _as_claimed(self, claim: Claim) -> KeyRow | None:
        row = self._rows.get(_id(claim.request))
        is_ours = row is not None and row.lease == claim.lease
        return row if is_ours and (row.answer is None) == (claim.first_answer is None) else None


def _id(request: KeyedRequest) -> tuple[str, str]:
    return request.scope, cast("str", request.key)  # cast: a request without a key has no row
