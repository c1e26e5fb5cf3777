"""Stored answer that a retry receives, and what paid for it."""

from dataclasses import dataclass

import orjson

from kit.database import Json
from kit.idempotency import Claim
from ml_service.billing.port import Charge, ChargeKey


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer of an earlier request under the claimed key; `member` names the key that has paid for it."""

    claim: Claim
    members: Json
    member: str

    def attempts(self, charge: Charge) -> list[Charge]:
        """The charge under the key that has paid, and those to use once that is refunded.

        No earlier one: whatever its fate, it has not paid for this answer.
        """
        attempts = charge.attempts()
        paid = [index for index, attempt in enumerate(attempts) if self.is_paid_by(attempt.key)]
        return attempts[paid[0] if paid else 0 :]

    def is_paid_by(self, key: ChargeKey) -> bool:
        """Whether the answer may have been sent with this charge, which then stays."""
        return self.members.get(self.member) == key

    async def record_payment(self, key: ChargeKey) -> None:
        """Store what has paid for it now, before it is sent: a later retry must not refund this."""
        await self.claim.keep(orjson.dumps(self.members | {self.member: key}))
