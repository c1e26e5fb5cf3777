"""Billing that loses answers, answers late and applies operations late, as a network or a paused process."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from kit.identity import UserId
from ml_service.billing.port import BillingUnreachable, Charge, ChargeKey, Hold, Receipt
from ml_service.errors import BillingUnavailable
from tests.support.memory_billing import MemoryBilling

Result = TypeVar("Result")
# lost: applied, but not answered; late: applied by `apply_late` only, and not answered; down: neither applied
# nor answered; unreachable: not sent; slow: answered after `seconds`.
Fault = Literal["lost", "late", "down", "unreachable", "slow"]


@dataclass
class UnreliableBilling(MemoryBilling):
    """The operations named in `faults` fail so, each time or the given number of times."""

    faults: dict[str, Fault] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    # Calls by operation, at their arrival.
    met: Counter[str] = field(default_factory=Counter[str])
    # Keys whose operations do not fail.
    spared: set[ChargeKey] = field(default_factory=set[ChargeKey])
    waiting: list[Callable[[], Awaitable[object]]] = field(default_factory=list)

    async def charge(self, charge: Charge) -> Receipt:
        apply = super().charge
        return await self._meet("charge", charge.key, lambda: apply(charge))

    async def refund(self, key: ChargeKey, user_id: UserId) -> None:
        apply = super().refund
        await self._meet("refund", key, lambda: apply(key, user_id))

    async def refund_hold(self, key: ChargeKey, user_id: UserId) -> None:
        apply = super().refund_hold
        await self._meet("refund_hold", key, lambda: apply(key, user_id))

    async def hold(self, charge: Charge, ttl_seconds: int, *, limited: bool = False) -> Hold:
        apply = super().hold
        return await self._meet("hold", charge.key, lambda: apply(charge, ttl_seconds, limited=limited))

    async def settle(self, hold: ChargeKey, tokens: int | None = None) -> Receipt:
        apply = super().settle
        return await self._meet("settle", hold, lambda: apply(hold, tokens))

    async def apply_late(self) -> None:
        """Apply the delayed operations, whose answers nobody receives."""
        waiting, self.waiting = self.waiting, []
        for apply in waiting:
            await asyncio.gather(apply(), return_exceptions=True)

    async def _meet(self, operation: str, key: ChargeKey, apply: Callable[[], Awaitable[Result]]) -> Result:
        self.met[operation] += 1
        fault = self._next_fault(operation) if key not in self.spared else None
        if fault == "unreachable":
            raise BillingUnreachable
        if fault == "late":
            self.waiting.append(apply)
        if fault in ("late", "down"):
            raise BillingUnavailable
        if fault == "slow":
            await asyncio.sleep(self.seconds)
        result = await apply()
        if fault == "lost":
            raise BillingUnavailable
        return result

    def _next_fault(self, operation: str) -> Fault | None:
        left = self.times.get(operation)
        if left is not None:
            self.times[operation] = left - 1
        return self.faults.get(operation) if left is None or left > 0 else None
