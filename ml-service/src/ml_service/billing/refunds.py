"""Refunds of charges and holds whose request failed.

A refund is recorded before it is sent, and sent until billing answers, by any replica and after any crash.
Under an Idempotency-Key the request must still have its claim: its charge may have paid a later one's answer.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from prometheus_client import Gauge

from kit.background import every
from kit.fault_points import fault_point
from kit.idempotency import Claim
from ml_service.billing.port import Billing, BillingRefusal, ChargeKey
from ml_service.billing.repository import Refund
from ml_service.errors import BillingUnavailable

RETRY_SECONDS = 2.0
MAX_REFUNDS = 200
WAITING = Gauge("farebox_waiting_refunds", f"Refunds that billing has not answered, {MAX_REFUNDS} at most")

log = structlog.stdlib.get_logger()


class RefundStore(Protocol):
    """Durable store of the refunds that billing has not answered, common to all replicas."""

    async def add(self, refunds: Sequence[Refund], claim: Claim | None = None) -> bool:
        """Record refunds; one that is recorded already stays as it is.

        Returns False, and records nothing, if another request has claimed the key of the claim since.
        """
        ...

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        """The keys among these that have a refund."""
        ...

    async def list_oldest(self, count: int) -> Sequence[Refund]: ...

    async def delete(self, keys: Sequence[ChargeKey]) -> None: ...


class Refunds:
    def __init__(self, store: RefundStore, billing: Billing) -> None:
        self._store, self._billing = store, billing
        self._running: set[asyncio.Task[None]] = set()
        self._unrecorded: dict[Refund, Claim | None] = {}

    async def refund(self, refund: Refund, claim: Claim | None = None) -> None:
        """Record and send a refund; the cancellation of the request does not stop it.

        A charge of a claim that another request has taken over is left to that request.
        """
        if claim is not None:
            claim.undo_pending = True
        refunding = asyncio.create_task(self._record_and_send(refund, claim))
        self._running.add(refunding)
        refunding.add_done_callback(self._running.discard)
        await asyncio.shield(refunding)

    async def find(self, keys: Sequence[ChargeKey]) -> set[str]:
        """The keys among these whose refund is recorded but not answered by billing."""
        return await self._store.find(keys)

    async def send_all(self) -> None:
        """Send all recorded refunds, of any replica; sending one twice is harmless."""
        while True:
            for refund, claim in tuple(self._unrecorded.items()):
                await self._store.add([refund], claim)
                self._unrecorded.pop(refund, None)
            recorded = await self._store.list_oldest(MAX_REFUNDS)
            answered = await self._send(recorded)
            WAITING.set(len(recorded) - answered)
            if answered < MAX_REFUNDS:
                return

    async def run(self) -> None:
        """Send refunds until cancelled; those without an answer are sent again in the next round."""
        await every(RETRY_SECONDS, self.send_all, failure="refunds_not_sent")

    async def _record_and_send(self, refund: Refund, claim: Claim | None) -> None:
        try:
            if not await self._store.add([refund], claim):
                log.info("refund_left_to_retry", user=refund.user_id)
                return
            if claim is not None:
                claim.undo_pending = False
        except Exception as error:
            # The next round records it, unless a retry has claimed the key by then and uses this charge.
            self._unrecorded[refund] = claim
            log.warning("refund_not_recorded", user=refund.user_id, error=type(error).__name__)
            if claim is not None and claim.has_key:
                return
        fault_point("refund recorded")
        try:
            await self._send([refund])
        except Exception as error:
            log.warning("refund_delayed", user=refund.user_id, error=type(error).__name__)

    async def _send(self, refunds: Sequence[Refund]) -> int:
        """Send refunds in one batch and delete those with an answer; returns their number."""
        sent = await asyncio.gather(*(self._is_answered(refund) for refund in refunds))
        answered = [refund for refund, is_answered in zip(refunds, sent, strict=True) if is_answered]
        fault_point("refund sent")
        if answered:
            await self._store.delete([refund.key for refund in answered])
            for refund in answered:
                self._unrecorded.pop(refund, None)
        return len(answered)

    async def _is_answered(self, refund: Refund) -> bool:
        send = self._billing.refund_hold if refund.kind == "hold" else self._billing.refund
        try:
            await send(refund.key, refund.user_id)
        except BillingUnavailable:
            return False
        except BillingRefusal as refusal:
            # As after the deletion of the account: the answer will not change.
            log.warning("refund_refused", user=refund.user_id, code=refusal.code)
        return True
