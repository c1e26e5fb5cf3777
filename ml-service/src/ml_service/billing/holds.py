"""Payment of work that takes time: hold tokens before it, settle after it, release or refund if it fails.

`billing.charges` has the payment of work that is answered at once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from kit.deadlines import require_time_left
from kit.errors import IdempotencyKeyExpired
from kit.idempotency import Claim
from ml_service.billing.port import (
    Billing,
    BillingRefusal,
    BillingUnreachable,
    Charge,
    ChargeKey,
    Hold,
    HoldEnded,
    HoldNotFound,
    Receipt,
)
from ml_service.billing.refunds import Refunds
from ml_service.billing.repository import Refund
from ml_service.billing.stored_answers import StoredAnswer
from ml_service.errors import BillingUnavailable

SETTLE_TIMEOUT_SECONDS = 10.0
SETTLE_PAUSE_SECONDS = 0.5
# Time to live of a hold that is settled by the next call.
SETTLED_WITHIN_SECONDS = 60


@dataclass
class Payment:
    """A hold while the work runs; `receipt` is set after the block.

    `tokens` is the part of the hold to charge; None is all of it.
    """

    hold: Hold
    tokens: int | None = None
    receipt: Receipt = field(init=False)


class Holds:
    """Holds of requests that wait for the work, and their refunds when it fails.

    A request that gives up refunds each hold that it may have placed: a settlement without an answer may have
    taken effect, and an operation that was sent may take effect later.
    """

    def __init__(self, billing: Billing, refunds: Refunds) -> None:
        self._billing, self._refunds = billing, refunds

    @contextlib.asynccontextmanager
    async def holding(self, charge: Charge, ttl_seconds: int, claim: Claim) -> AsyncGenerator[Payment]:
        """Hold the tokens during the block and settle after it; a block that raises is not charged.

        Earlier attempts under the same Idempotency-Key may have failed, so the charge's key may change.
        """
        attempts = charge.attempts() if claim.has_key else [charge]
        refunded = await self._refunds.find([each.key for each in attempts]) if claim.has_key else set[str]()
        unused = [each for each in attempts if each.key not in refunded]
        hold = await self._hold_first(unused, ttl_seconds, claim)
        payment = Payment(hold)
        try:
            yield payment
            require_time_left()
            payment.receipt = await self._settle_or_time_out(payment)
            require_time_left()
        except BaseException:
            await self._refund(charge, hold.key, claim)
            raise

    @contextlib.asynccontextmanager
    async def refunding(self, charge: Charge) -> AsyncGenerator[None]:
        """Refund the hold if the block, which places it, raises: its answer or its work may be lost."""
        try:
            yield
        except (BillingRefusal, BillingUnreachable):
            raise
        except BaseException:
            await self._refund(charge, charge.key)
            raise

    async def settle_again(self, charge: Charge, tokens: int, stored: StoredAnswer) -> Receipt:
        """Pay for a stored answer; repeated calls charge once.

        Its hold may have been settled and answered, so it is settled or stays as it is. If it has ended
        unpaid, the next key is held and settled, and refunded if that fails.
        """
        attempts = stored.attempts(charge)
        refunded = await self._refunds.find([each.key for each in attempts])
        for attempt in attempts:
            if attempt.key in refunded:
                continue
            try:
                return await self._settle_or_hold(attempt, tokens, stored)
            except HoldEnded:
                continue
        raise IdempotencyKeyExpired

    async def _hold_first(self, attempts: list[Charge], ttl_seconds: int, claim: Claim) -> Hold:
        """Hold under the first key whose work has not failed; refuses a key whose work was paid."""
        for attempt in attempts:
            require_time_left()
            try:
                return await self._billing.hold(attempt, ttl_seconds, limited=True)
            except HoldEnded as ended:
                if ended.is_paid:
                    raise IdempotencyKeyExpired from None
            except (BillingRefusal, BillingUnreachable):
                raise
            except BaseException:
                # Without an answer the hold may have been placed.
                await self._refund(attempt, attempt.key, claim)
                raise
        raise IdempotencyKeyExpired

    async def _settle_or_hold(self, charge: Charge, tokens: int, stored: StoredAnswer) -> Receipt:
        """Refunded if it fails, unless the stored answer may have been sent with this hold."""
        require_time_left()
        is_answered = stored.is_paid_by(charge.key)
        try:
            receipt = await settle_or_hold(self._billing, charge, tokens)
            if not is_answered:
                await stored.record_payment(charge.key)
            return receipt
        except (HoldEnded, BillingUnreachable):
            raise
        except BaseException:
            if not is_answered:
                await self._refund(charge, charge.key, stored.claim)
            raise

    async def _settle_or_time_out(self, payment: Payment) -> Receipt:
        """Settle, and retry during an outage of billing.

        A settlement with a lost answer may have succeeded: to fail at once could charge for no answer.
        """
        deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
        while True:
            try:
                return await self._billing.settle(payment.hold.key, payment.tokens)
            except HoldEnded:
                raise BillingUnavailable from None
            except BillingUnavailable:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(SETTLE_PAUSE_SECONDS)
            require_time_left()

    async def _refund(self, charge: Charge, key: ChargeKey, claim: Claim | None = None) -> None:
        await self._refunds.refund(Refund(key, charge.user_id, "hold"), claim)


async def settle_or_hold_again(billing: Billing, charge: Charge, tokens: int | None = None) -> Receipt:
    """Settle; place a hold that has ended unpaid again under its next key. Repeated calls charge once."""
    *attempts, last = charge.attempts()
    for attempt in attempts:
        try:
            return await settle_or_hold(billing, attempt, tokens)
        except HoldEnded:
            continue
    return await settle_or_hold(billing, last, tokens)


async def settle_or_hold(billing: Billing, charge: Charge, tokens: int | None) -> Receipt:
    """Settle the hold; one that was never placed is placed first. Raises HoldEnded if it ended unpaid."""
    try:
        return await billing.settle(charge.key, tokens)
    except HoldNotFound:
        try:
            hold = await billing.hold(charge, SETTLED_WITHIN_SECONDS)
        except HoldEnded as ended:
            if not ended.is_paid:
                raise
            # A call that was late has settled it: the settlement above, sent again in the meantime.
            return await billing.settle(charge.key, tokens)
        # The price may have fallen since, and a charge cannot exceed its hold.
        return await billing.settle(charge.key, min(tokens, hold.tokens) if tokens is not None else None)


async def release_or_expire(billing: Billing, charge: Charge) -> None:
    """Release the hold; during an outage of billing it expires instead."""
    with contextlib.suppress(BillingUnavailable):
        await billing.release(charge.key)


def prorate(held: int, units: int, used: int, per_units: int = 1) -> int:
    """The part of the tokens held for all units that the used ones cost, rounded down.

    Prices are tokens for each started number of units.
    """
    return held * _started(used, per_units) // _started(units, per_units)


def affordable(units: int, tokens: int, per_units: int, budget: int) -> int:
    """The number of units that a budget pays for, at `tokens` for each started `per_units`."""
    return units if tokens == 0 else min(units, per_units * (budget // tokens))


def _started(units: int, per_units: int) -> int:
    return -(-units // per_units)
