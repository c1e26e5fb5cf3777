"""Payment of work that is answered at once: charge before it, refund if it fails.

A refund is recorded before it is sent, and sent until billing answers, by any replica and after any crash.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from secrets import token_hex

import structlog
from starlette.responses import Response

from kit.background import every
from kit.database import Database
from kit.digests import fingerprint
from kit.errors import ServiceError
from kit.idempotency import KeyedRequest
from kit.identity import Caller
from ml_service.billing.holds import settle_or_hold_again
from ml_service.billing.port import (
    Billing,
    BillingRefusal,
    BillingUnreachable,
    Charge,
    ChargeKey,
    ChargeRefunded,
    Receipt,
)
from ml_service.billing.repository import Refund, RefundRepository
from ml_service.errors import BillingUnavailable

# Charges of one Idempotency-Key: each failure of its work refunds one.
MAX_ATTEMPTS = 10
RETRY_SECONDS = 2.0
MAX_REFUNDS = 200

log = structlog.stdlib.get_logger()


class Charges:
    """One-phase charges, and their refunds when the paid work fails."""

    def __init__(self, database: Database, billing: Billing) -> None:
        self._database, self._billing = database, billing
        self._running: set[asyncio.Task[None]] = set()
        self._unrecorded: set[Refund] = set()

    @contextlib.asynccontextmanager
    async def charging(self, charge: Charge, *, repeatable: bool = False) -> AsyncGenerator[Receipt]:
        """Charge before the block and refund if it raises.

        `repeatable` is a request with an Idempotency-Key, whose earlier attempts may have been refunded.
        """
        if repeatable:
            charge, receipt = await self.charge_again(charge)
        else:
            receipt = await self._charge(charge)
        try:
            yield receipt
        except BaseException:
            await self._refund(charge)
            raise

    async def charge_again(self, charge: Charge) -> tuple[Charge, Receipt]:
        """Charge under the first key without a refund; repeated calls charge once.

        A recorded refund counts before billing has it: otherwise a retry would reuse a charge that is
        refunded a moment later. No other attempt runs meanwhile, since the request has claimed its key.
        """
        attempts = [charge, *(charge.for_attempt(attempt) for attempt in range(1, MAX_ATTEMPTS))]
        async with self._database.read() as session:
            recorded = await RefundRepository(session).find([attempt.key for attempt in attempts])
        refunds = recorded | {refund.key for refund in self._unrecorded}
        failure: ServiceError = BillingUnavailable()
        for attempt in attempts:
            if attempt.key not in refunds:
                try:
                    return attempt, await self._charge(attempt)
                except ChargeRefunded as error:
                    failure = error
        raise failure

    async def settle(self, charge: Charge) -> Receipt:
        """Settle the hold under the charge's key, for an answer of the release that held for predictions."""
        return await settle_or_hold_again(self._billing, charge)

    async def send_refunds(self) -> None:
        """Send all recorded refunds, of any replica; sending one twice is harmless."""
        while True:
            async with self._database.autocommit() as session:
                repository = RefundRepository(session)
                for refund in tuple(self._unrecorded):
                    await repository.add(refund)
                    self._unrecorded.discard(refund)
                refunds = await repository.list_oldest(MAX_REFUNDS)
            if await self._send(refunds) < MAX_REFUNDS:
                return

    async def run(self) -> None:
        """Send refunds until cancelled; those without an answer are sent again in the next round."""
        await every(RETRY_SECONDS, self.send_refunds, failure="refunds_not_sent")

    async def _charge(self, charge: Charge) -> Receipt:
        try:
            return await self._billing.charge(charge)
        except (BillingRefusal, BillingUnreachable):
            raise
        except BaseException:
            # Without an answer the charge may have taken effect.
            await self._refund(charge)
            raise

    async def _refund(self, charge: Charge) -> None:
        """Record and send a refund; the cancellation of the request does not stop it."""
        refunding = asyncio.create_task(self._record_and_send(Refund(charge.key, charge.user_id)))
        self._running.add(refunding)
        refunding.add_done_callback(self._running.discard)
        await asyncio.shield(refunding)

    async def _record_and_send(self, refund: Refund) -> None:
        try:
            async with self._database.autocommit() as session:
                await RefundRepository(session).add(refund)
        except Exception as error:
            # The next round records it; until then only this process knows of it.
            self._unrecorded.add(refund)
            log.warning("refund_not_recorded", user=refund.user_id, error=type(error).__name__)
        try:
            await self._send([refund])
        except Exception as error:
            log.warning("refund_delayed", user=refund.user_id, error=type(error).__name__)

    async def _send(self, refunds: Sequence[Refund]) -> int:
        """Send refunds in one batch and delete those with an answer; returns their number."""
        sent = await asyncio.gather(*(self._is_answered(refund) for refund in refunds))
        answered = [refund for refund, is_answered in zip(refunds, sent, strict=True) if is_answered]
        if answered:
            async with self._database.autocommit() as session:
                await RefundRepository(session).delete([refund.key for refund in answered])
            self._unrecorded.difference_update(answered)
        return len(answered)

    async def _is_answered(self, refund: Refund) -> bool:
        try:
            await self._billing.refund(refund.key, refund.user_id)
        except BillingUnavailable:
            return False
        except BillingRefusal as refusal:
            # As after the deletion of the account: the answer will not change.
            log.warning("refund_refused", user=refund.user_id, code=refusal.code)
        return True


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
        )
        async with self._charges.charging(charge) as receipt:
            yield
        self._response.headers.update(charged_headers(receipt))


def keyed_request(caller: Caller, key: str | None, *request: object) -> KeyedRequest:
    """The request under its Idempotency-Key; without a key it needs no fingerprint."""
    return KeyedRequest(str(caller.user_id), key, fingerprint(*request) if key is not None else b"")


def charge_key(action: str, request: KeyedRequest) -> ChargeKey:
    """The key of the request's charge: equal for equal key and input in any process, random without a key."""
    if request.key is None:
        return unique_key(action)
    parts = (int(request.scope), request.key, request.fingerprint.hex())
    return ChargeKey(f"{action}:{fingerprint(*parts).hex()}")


def unique_key(action: str) -> ChargeKey:
    """A key that no other request has, also not in a process that was forked from the same one."""
    return ChargeKey(f"{action}:{token_hex(16)}")


def charged_headers(receipt: Receipt) -> dict[str, str]:
    return {
        "X-Tokens-Charged": str(receipt.tokens),
        "X-Tokens-Balance": str(receipt.available),
        "X-Receipt-Id": receipt.id,
    }
