"""Payment of work that is answered at once: charge before it, refund if it fails."""

import contextlib
from collections.abc import AsyncGenerator, Iterable
from secrets import token_hex

from starlette.responses import Response

from kit.deadlines import require_time_left
from kit.digests import fingerprint
from kit.errors import IdempotencyKeyExpired
from kit.idempotency import Claim, KeyedRequest
from kit.identity import Caller, UserId
from ml_service.billing.holds import settle_or_hold_again
from ml_service.billing.port import (
    Billing,
    BillingRefusal,
    BillingUnreachable,
    Charge,
    ChargeKey,
    ChargeRefunded,
    Receipt,
    attempt_keys,
)
from ml_service.billing.refunds import Refunds
from ml_service.billing.repository import Kind, Refund
from ml_service.billing.stored_answers import StoredAnswer


class Charges:
    """One-phase charges, and their refunds when the paid work fails."""

    def __init__(self, billing: Billing, refunds: Refunds) -> None:
        self._billing, self._refunds = billing, refunds

    @contextlib.asynccontextmanager
    async def charging(
        self, charge: Charge, claim: Claim | None = None
    ) -> AsyncGenerator[tuple[ChargeKey, Receipt]]:
        """Charge before the block; refund if it raises or ends after the deadline.

        Earlier attempts under the same Idempotency-Key may have been refunded, so the charge's key may
        change. If no earlier request with it is known, but billing knows the charge, then that paid for an
        answer that is forgotten.
        """
        if claim is not None and claim.has_key:
            charge, receipt = await self.charge_again(charge, claim)
            if claim.is_first and receipt.replayed:
                raise IdempotencyKeyExpired
        else:
            receipt = await self._charge(charge, claim)
        try:
            yield charge.key, receipt
            require_time_left()
        except BaseException:
            await self._refund(charge, claim)
            raise

    async def charge_again(
        self, charge: Charge, claim: Claim, stored: StoredAnswer | None = None
    ) -> tuple[Charge, Receipt]:
        """Charge under the first key without a refund; repeated calls charge once.

        A recorded refund counts before billing has it: otherwise a retry would reuse a charge that is
        refunded a moment later. No earlier attempt can record one afterwards, since it has lost the claim.
        """
        attempts = charge.attempts() if stored is None else stored.attempts(charge)
        refunded = await self._refunds.find([attempt.key for attempt in attempts])
        for attempt in attempts:
            if attempt.key not in refunded:
                try:
                    return attempt, await self._charge(attempt, claim, stored)
                except ChargeRefunded:
                    continue
        raise IdempotencyKeyExpired

    async def settle(self, charge: Charge) -> Receipt:
        """Settle the hold under the charge's key, for an answer of the release that held for predictions."""
        return await settle_or_hold_again(self._billing, charge)

    async def _charge(
        self, charge: Charge, claim: Claim | None, stored: StoredAnswer | None = None
    ) -> Receipt:
        """Refunded if it fails, unless a stored answer may have been sent with this charge."""
        require_time_left()
        is_answered = stored is not None and stored.is_paid_by(charge.key)
        try:
            receipt = await self._billing.charge(charge)
            if stored is not None and not is_answered:
                await stored.record_payment(charge.key)
            return receipt
        except (BillingRefusal, BillingUnreachable):
            raise
        except BaseException:
            # Without an answer the charge may have taken effect.
            if not is_answered:
                await self._refund(charge, claim)
            raise

    async def _refund(self, charge: Charge, claim: Claim | None) -> None:
        await self._refunds.refund(Refund(charge.key, charge.user_id), claim)


class MetadataMeter:
    """Charges a request that reads about models, if `metadata` has a price."""

    def __init__(self, billing: Billing, charges: Charges, caller: Caller, response: Response) -> None:
        self._billing, self._charges = billing, charges
        self._caller, self._response = caller, response

    @contextlib.asynccontextmanager
    async def reading(self, resource: str | None = None) -> AsyncGenerator[None]:
        """Charge before the block, and set the receipt's headers on the answer."""
        if (await self._billing.prices())["metadata"].tokens == 0:
            yield
            return
        charge = Charge(
            key=unique_key("metadata"),
            user_id=self._caller.user_id,
            action="metadata",
            resource=resource,
            api_key=self._caller.api_key,
            group_id=self._caller.group_id,
        )
        async with self._charges.charging(charge) as (_, receipt):
            yield
        self._response.headers.update(charged_headers(receipt))


def keyed_request(caller: Caller, key: str | None, *request: object) -> KeyedRequest:
    """The request under its Idempotency-Key; without a key it needs no fingerprint."""
    digest = with_payer(caller, fingerprint(*request)) if key is not None else b""
    return KeyedRequest(str(caller.user_id), key, digest)


def with_payer(caller: Caller, digest: bytes) -> bytes:
    """The fingerprint of a request with its payer: with another one, it is another request."""
    return digest if caller.group_id is None else fingerprint(digest.hex(), "group", caller.group_id)


def charge_key(action: str, request: KeyedRequest) -> ChargeKey:
    """The key of the request's charge: equal for equal key and input in any process, random without a key."""
    if request.key is None:
        return unique_key(action)
    parts = (int(request.scope), request.key, request.fingerprint.hex())
    return ChargeKey(f"{action}:{fingerprint(*parts).hex()}")


def refunds_of(requests: Iterable[KeyedRequest]) -> list[Refund]:
    """Refunds of all that these requests may have paid, under any of their keys, before they died.

    Which action they were, and which attempt was charged, only billing knows; it refunds nothing for a key
    that it does not know, and refuses the key from then on.
    """
    kinds: tuple[tuple[str, Kind], ...] = (("predict", "charge"), ("batch", "hold"))
    return [
        Refund(key, UserId(int(request.scope)), kind)
        for request in requests
        for action, kind in kinds
        for key in attempt_keys(charge_key(action, request))
    ]


def unique_key(action: str) -> ChargeKey:
    """A key that no other request has, also not in a process that was forked from the same one."""
    return ChargeKey(f"{action}:{token_hex(16)}")


def charged_headers(receipt: Receipt) -> dict[str, str]:
    return {
        "X-Tokens-Charged": str(receipt.tokens),
        "X-Tokens-Balance": str(receipt.available),
        "X-Receipt-Id": receipt.id,
    }
