"""Charges: hold tokens before the work, settle after it, release if it fails."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.responses import Response

from kit.digests import fingerprint
from kit.idempotency import KeyedRequest
from kit.identity import Caller
from ml_service.billing.port import Billing, Charge, Hold, HoldEnded, HoldKey, Receipt
from ml_service.errors import BillingUnavailable

MAX_HOLDS = 5
SETTLE_TIMEOUT_SECONDS = 10.0
SETTLE_PAUSE_SECONDS = 0.5
READING_HOLD_SECONDS = 30


@dataclass
class Payment:
    """A hold while the work runs; `receipt` is set after the block.

    `tokens` is the part of the hold to charge; None is all of it.
    """

    hold: Hold
    tokens: int | None = None
    receipt: Receipt = field(init=False)


@contextlib.asynccontextmanager
async def charging(billing: Billing, charge: Charge) -> AsyncGenerator[Payment]:
    """Hold the tokens during the block and settle after it; a block that raises is not charged."""
    payment = Payment(await billing.hold(charge))
    try:
        yield payment
        payment.receipt = await _settle_or_time_out(billing, charge, payment.tokens)
    except BaseException:
        # The cancellation of the request must not cancel the release.
        await asyncio.shield(release_or_expire(billing, charge))
        raise


class MetadataMeter:
    """Charges a request that reads about models, if `metadata` has a price; at price 0 it holds nothing."""

    def __init__(self, billing: Billing, caller: Caller, response: Response) -> None:
        self._billing, self._caller, self._response = billing, caller, response

    @contextlib.asynccontextmanager
    async def reading(self, resource: str | None = None) -> AsyncGenerator[None]:
        """Hold before the block, settle after it, and set the receipt's headers on the answer."""
        if (await self._billing.prices())["metadata"].tokens == 0:
            yield
            return
        charge = Charge(
            key=HoldKey(f"metadata:{uuid4().hex}"),
            user_id=self._caller.user_id,
            action="metadata",
            ttl_seconds=READING_HOLD_SECONDS,
            resource=resource,
            api_key=self._caller.api_key,
        )
        async with charging(self._billing, charge) as payment:
            yield
        self._response.headers.update(charged_headers(payment.receipt))


async def settle_or_hold_again(billing: Billing, charge: Charge, tokens: int | None = None) -> Receipt:
    """Settle; place a hold that has expired again. Repeated calls charge once."""
    current = charge
    for attempt in range(1, MAX_HOLDS):
        try:
            return await billing.settle(current.key, tokens)
        except HoldEnded:
            current = charge.for_attempt(attempt)
            hold = await billing.hold(current)
            # The price may have fallen since, and a charge cannot exceed its hold.
            tokens = min(tokens, hold.tokens) if tokens is not None else None
    return await billing.settle(current.key, tokens)


async def release_or_expire(billing: Billing, charge: Charge) -> None:
    """Release the hold; during an outage of billing it expires instead."""
    with contextlib.suppress(BillingUnavailable):
        await billing.release(charge.key)


def keyed_request(caller: Caller, key: str | None, *request: object) -> KeyedRequest:
    """The request under its Idempotency-Key; without a key it needs no fingerprint."""
    return KeyedRequest(str(caller.user_id), key, fingerprint(*request) if key is not None else b"")


def hold_key(action: str, request: KeyedRequest) -> HoldKey:
    """The key of the request's hold: equal for equal key and input in any process, random without a key."""
    if request.key is None:
        return HoldKey(f"{action}:{uuid4().hex}")
    parts = (int(request.scope), request.key, request.fingerprint.hex())
    return HoldKey(f"{action}:{fingerprint(*parts).hex()}")


def charged_headers(receipt: Receipt) -> dict[str, str]:
    return {
        "X-Tokens-Charged": str(receipt.tokens),
        "X-Tokens-Balance": str(receipt.available),
        "X-Receipt-Id": receipt.id,
    }


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
