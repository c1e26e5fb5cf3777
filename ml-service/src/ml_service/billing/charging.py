"""Hold before the work, settle after it, release when it fails."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ml_service.billing.port import Billing, Charge, Hold, HoldEnded, Receipt
from ml_service.errors import BillingUnavailable

Result = TypeVar("Result")
MOST_HOLDS = 5
SETTLE_PATIENCE_SECONDS = 10.0
SETTLE_PAUSE_SECONDS = 0.5


async def charged(
    billing: Billing, charge: Charge, work: Callable[[], Awaitable[Result]]
) -> tuple[Result, Receipt]:
    """Do the work between hold and settle; if it fails nothing is charged."""

    async def all_of_it(_hold: Hold) -> tuple[Result, int | None]:
        return await work(), None

    return await charged_in_part(billing, charge, all_of_it)


async def charged_in_part(
    billing: Billing, charge: Charge, work: Callable[[Hold], Awaitable[tuple[Result, int | None]]]
) -> tuple[Result, Receipt]:
    """The same for work that tells what of the hold it cost; None is all."""
    hold = await billing.hold(charge)
    try:
        result, tokens = await work(hold)
        return result, await _settle_patiently(billing, charge, tokens)
    except BaseException:
        # Also when the request was cancelled: the release must not be cancelled with it.
        await asyncio.shield(release_or_expire(billing, charge))
        raise


async def settle_surely(billing: Billing, charge: Charge, tokens: int | None = None) -> Receipt:
    """Settle; a hold that expired meanwhile is placed again. Repeating it all charges once."""
    held = charge
    for attempt in range(1, MOST_HOLDS):
        try:
            return await billing.settle(held.key, tokens)
        except HoldEnded:
            held = charge.again(attempt)
            placed = await billing.hold(held)
            # The price may have fallen since, and no more than is held can be charged.
            tokens = min(tokens, placed.tokens) if tokens is not None else None
    return await billing.settle(held.key, tokens)


async def _settle_patiently(billing: Billing, charge: Charge, tokens: int | None) -> Receipt:
    """A settlement whose answer was lost may have been made: giving up at once could charge for no answer."""
    until = time.monotonic() + SETTLE_PATIENCE_SECONDS
    while True:
        try:
            return await settle_surely(billing, charge, tokens)
        except BillingUnavailable:
            if time.monotonic() >= until:
                raise
        await asyncio.sleep(SETTLE_PAUSE_SECONDS)


async def release_or_expire(billing: Billing, charge: Charge) -> None:
    try:
        await billing.release(charge.key)
    except BillingUnavailable:
        return  # the hold's time to live gives the tokens back


def charged_headers(receipt: Receipt) -> dict[str, str]:
    return {
        "X-Tokens-Charged": str(receipt.tokens),
        "X-Tokens-Balance": str(receipt.available),
        "X-Receipt-Id": receipt.id,
    }
