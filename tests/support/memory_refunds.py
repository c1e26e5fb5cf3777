"""Store of refunds in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kit.idempotency import Claim
from ml_service.billing.port import ChargeKey
from ml_service.billing.repository import Refund


@dataclass
class MemoryRefunds:
    """The whole port; `recorded` may be common to several replicas, and every claim is current."""

    recorded: dict[ChargeKey, Refund] = field(default_factory=dict[ChargeKey, Refund])

    async def add(self, refunds: Sequence[Refund], claim: Claim | None = None) -> bool:  # noqa: ARG002 - as the port has it
        for refund in refunds:
            self.recorded.setdefault(refund.key, refund)
        return True

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        return {key for key in keys if key in self.recorded}

    async def list_oldest(self, count: int) -> Sequence[Refund]:
        return list(self.recorded.values())[:count]

    async def delete(self, keys: Sequence[ChargeKey]) -> None:
        for key in keys:
            self.recorded.pop(key, None)
