"""The durable tables of ml-service, in memory, as one process reaches them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning
from kit.idempotency import LEASE, FirstAnswers, KeyedRequest
from ml_service.billing.port import ChargeKey
from ml_service.billing.repository import Refund
from tests.support.memory_refunds import MemoryRefunds
from tests.support.simulation.processes import Process


@dataclass
class KeyRow:
    fingerprint: bytes
    lease_until: float
    answer: bytes | None = None


@dataclass
class Tables:
    """Tables and files that survive every process."""

    refunds: MemoryRefunds = field(default_factory=MemoryRefunds)
    keys: dict[tuple[str, str], KeyRow] = field(default_factory=dict[tuple[str, str], KeyRow])
    files: set[str] = field(default_factory=set[str])


class SimulatedRefunds:
    """The store of refunds, whose statements take time and may be the last ones of the process."""

    def __init__(self, process: Process, store: MemoryRefunds) -> None:
        self._process, self._store = process, store

    async def add(self, refunds: Sequence[Refund]) -> None:
        if refunds:
            await self._process.pause()
            await self._store.add(refunds)
            await self._process.pause()

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        await self._process.pause()
        return await self._store.find(keys)

    async def list_oldest(self, count: int) -> Sequence[Refund]:
        # An empty list, the most frequent one, takes no time, so that the simulation takes less.
        await (self._process.pause() if self._store.recorded else self._process.live())
        return await self._store.list_oldest(count)

    async def delete(self, keys: Sequence[ChargeKey]) -> None:
        await self._process.pause()
        await self._store.delete(keys)
        await self._process.pause()


class SimulatedAnswers(FirstAnswers):
    """The real protocol of claims; its statements act on a table in memory."""

    def __init__(self, process: Process, tables: Tables) -> None:
        super().__init__(None, None)  # type: ignore[arg-type] - no method that uses them is left
        self._process, self._rows = process, tables.keys

    async def keep(
        self, request: KeyedRequest, answer: bytes, _location: str | None, session: AsyncSession | None
    ) -> None:
        assert session is None, "jobs are not simulated"

        def store() -> bool:
            row = self._rows.get(_id(request))
            if row is None or row.answer is not None:
                return False
            row.answer = answer
            return True

        if not await self._process.step(store):
            raise IdempotencyTwinRunning

    async def _begin(self, request: KeyedRequest) -> bool | None:
        def claim() -> bool | None:
            now = self._process.world.now
            row = self._rows.get(_id(request))
            if row is None:
                self._rows[_id(request)] = KeyRow(request.fingerprint, now + LEASE.total_seconds())
                return True
            if row.answer is not None or row.lease_until >= now or row.fingerprint != request.fingerprint:
                return None
            row.lease_until = now + LEASE.total_seconds()
            return False

        return await self._process.step(claim)

    async def _find(self, request: KeyedRequest) -> bytes:
        row = await self._process.step(lambda: self._rows.get(_id(request)))
        if row is not None and row.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused
        if row is None or row.answer is None:
            raise IdempotencyTwinRunning
        return row.answer

    async def _renew(self, request: KeyedRequest) -> None:
        def renew() -> None:
            if (row := self._rows.get(_id(request))) is not None:
                row.lease_until = self._process.world.now + LEASE.total_seconds()

        await self._process.step(renew)

    async def _withdraw(self, request: KeyedRequest) -> None:
        def withdraw() -> None:
            row = self._rows.get(_id(request))
            if row is not None and row.answer is None:
                del self._rows[_id(request)]

        await self._process.step(withdraw)

    async def _end_lease(self, request: KeyedRequest) -> None:
        def end() -> None:
            row = self._rows.get(_id(request))
            if row is not None and row.answer is None:
                row.lease_until = self._process.world.now

        await self._process.step(end)


def _id(request: KeyedRequest) -> tuple[str, str]:
    return request.scope, cast("str", request.key)  # cast: a request without a key has no row
