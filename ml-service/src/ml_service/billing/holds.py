"""Payment of work that takes time: hold tokens before it, settle after it, release if it fails.

`billing.charges` has the payment of work that is answered at once.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from ml_service.billing.port import Billing, Charge, Hold, HoldEnded, Receipt
from ml_service.errors import BillingUnavailable

MAX_HOLDS = 5
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


@contextlib.asynccontextmanager
async def holding(billing: Billing, charge: Charge, ttl_seconds: int) -> AsyncGenerator[Payment]:
    """Hold the tokens during the block and settle after it; a block that raises is not charged."""
    payment = Payment(await billing.hold(charge, ttl_seconds))
    try:
        yield payment
        payment.receipt = await _settle_or_time_out(billing, charge, payment.tokens)
    except BaseException:
        # The cancellation of the request must not cancel the release.
        await asyncio.shield(release_or_expire(billing, charge))
        raise


async def settle_or_hold_again(billing: Billing, charge: Charge, tokens: int | None = None) -> Receipt:
    """Settle; place a hold that has expired again. Repeated calls charge once."""
    current = charge
    for attempt in range(1, MAX_HOLDS):
        try:
            return await billing.settle(current.key, tokens)
        except HoldEnded:
            current = charge.for_attempt(attempt)
            hold = await billing.hold(current, SETTLED_WITHIN_SECONDS)
            # The price may have fallen since, and a charge cannot exceed its hold.
            tokens = min(tokens, hold.tokens) if tokens is not None else None
    return await billing.settle(current.key, tokens)


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


async def _settle_or_time_out(billing: Billing, charge: Charge, tokens: int | None) -> Receipt:
    """Settle, and retry during an outage of billing.

    A settlement with a lost answer may have succeeded: to fail at once could charge for no answer.
    """
    deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
    while True:
        try:
            return await settle_or_hold_again(billing, charge, tokens)
        except BillingUnavailable:
            if time.monotonic() >= deadline:
                raise
        await asyncio.sleep(SETTLE_PAUSE_SECONDS)


def _started(units: int, per_units: int) -> int:
    return -(-units // per_units)
