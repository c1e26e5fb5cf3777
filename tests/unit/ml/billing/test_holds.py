"""Holds, settlements and releases around work, and the price of a part of it."""

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from tests.support.memory_billing import MemoryBilling
from tests.support.memory_refunds import MemoryRefunds
from tests.support.unreliable_billing import Fault, UnreliableBilling

from kit.deadlines import start_deadline
from kit.errors import DeadlinePassed, IdempotencyKeyExpired
from kit.idempotency import Claim, KeyedRequest
from kit.identity import UserId
from ml_service.billing import holds
from ml_service.billing.holds import Holds, affordable, prorate, settle_or_hold_again
from ml_service.billing.port import BillingRefusal, Charge, ChargeKey, Hold, Receipt
from ml_service.billing.refunds import Refunds
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(ChargeKey("key"), ADA, "predict")
KEYED, UNKEYED = (
    Claim(None, KeyedRequest("1", key, bytes(32)), is_first=True)  # type: ignore[arg-type] - it stores nothing
    for key in ("key", None)
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settlements are repeated for a moment instead of 10 seconds; the deadline of a test ends with it."""
    monkeypatch.setattr(holds, "SETTLE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(holds, "SETTLE_PAUSE_SECONDS", 0.01)
    yield
    start_deadline(None)


async def work(
    billing: UnreliableBilling,
    refunds: Refunds | None = None,
    claim: Claim = KEYED,
    *,
    tokens: int | None = None,
    fail: bool = False,
) -> Receipt:
    async with holds_of(billing, refunds).holding(CHARGE, 30, claim) as payment:
        payment.tokens = tokens
        if fail:
            raise LookupError
    return payment.receipt


def holds_of(billing: UnreliableBilling, refunds: Refunds | None = None) -> Holds:
    return Holds(billing, refunds or Refunds(MemoryRefunds(), billing))


async def test_settling_twice_charges_once(billing: UnreliableBilling) -> None:
    await billing.hold(CHARGE, 30)
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert billing.balance(ADA) == 5


async def test_expired_hold_is_placed_again_and_charged_once(billing: UnreliableBilling) -> None:
    await billing.hold(CHARGE, 30)
    billing.expire_all()
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)


async def test_expired_hold_without_tokens_is_refused(billing: UnreliableBilling) -> None:
    await billing.hold(CHARGE, 30)
    billing.expire_all()
    billing.wallets[ADA].posted = 4
    with pytest.raises(BillingRefusal):
        await settle_or_hold_again(billing, CHARGE)


@pytest.mark.parametrize("operation", ["settle", "hold"])
async def test_operation_of_a_job_with_lost_answer_is_repeated_once(
    billing: UnreliableBilling, operation: str
) -> None:
    """As in `jobs.settlement`, which repeats the settlement until it has an answer."""
    billing.faults, billing.times = {operation: "lost"}, {operation: 1}
    with contextlib.suppress(BillingUnavailable):
        await billing.hold(CHARGE, 30)
        await settle_or_hold_again(billing, CHARGE)
    await settle_or_hold_again(billing, CHARGE)
    assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)


async def test_settlement_that_arrives_late_is_not_charged_twice() -> None:
    """A first settlement is lost on its way, and arrives between the hold and its repetition."""

    class LateBilling(MemoryBilling):
        async def hold(self, charge: Charge, ttl_seconds: int, *, limited: bool = False) -> Hold:
            await super().hold(charge, ttl_seconds, limited=limited)
            await self.settle(charge.key, 3)
            return await super().hold(charge, ttl_seconds, limited=limited)

    billing = LateBilling()
    billing.grant(ADA, 10)
    receipt = await settle_or_hold_again(billing, CHARGE, 3)
    assert (receipt.tokens, receipt.available) == (3, 7)
    assert (billing.balance(ADA), billing.held(ADA)) == (7, 0)


class TestHolding:
    """Holds of requests that wait: the caller has an answer, or has paid nothing."""

    async def test_successful_work_is_charged(self, billing: UnreliableBilling) -> None:
        assert (await work(billing)).tokens == 5
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    async def test_partial_work_is_charged_in_part(self, billing: UnreliableBilling) -> None:
        assert (await work(billing, tokens=3)).available == 7
        assert billing.held(ADA) == 0

    async def test_failed_work_costs_nothing(self, billing: UnreliableBilling) -> None:
        with pytest.raises(LookupError):
            await work(billing, fail=True)
        assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)

    async def test_cancelled_work_costs_nothing(self, billing: UnreliableBilling) -> None:
        started = asyncio.Event()

        async def wait_forever() -> None:
            async with holds_of(billing).holding(CHARGE, 30, KEYED):
                started.set()
                await asyncio.Event().wait()

        working = asyncio.create_task(wait_forever())
        await started.wait()
        assert billing.held(ADA) == 5
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)

    async def test_settlement_with_one_lost_answer_is_repeated(self, billing: UnreliableBilling) -> None:
        billing.faults, billing.times = {"settle": "lost"}, {"settle": 1}
        assert (await work(billing)).tokens == 5
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    @pytest.mark.parametrize("fault", ["lost", "late", "down", "unreachable"])
    @pytest.mark.parametrize("operation", ["hold", "settle"])
    @pytest.mark.parametrize("claim", ["keyed", "unkeyed"])
    async def test_request_that_gives_up_has_paid_nothing(
        self, billing: UnreliableBilling, operation: str, fault: Fault, claim: str
    ) -> None:
        billing.faults = {operation: fault}
        with pytest.raises(BillingUnavailable):
            await work(billing, claim=KEYED if claim == "keyed" else UNKEYED)
        await billing.apply_late()
        assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)

    async def test_refund_that_is_not_answered_is_sent_again(self, billing: UnreliableBilling) -> None:
        billing.faults = {"settle": "lost", "refund_hold": "down"}
        refunds = Refunds(MemoryRefunds(), billing)
        with pytest.raises(BillingUnavailable):
            await work(billing, refunds)
        assert billing.balance(ADA) == 5
        billing.faults = {}
        await refunds.send_all()
        assert billing.balance(ADA) == 10

    async def test_retry_after_a_failure_is_charged_once(self, billing: UnreliableBilling) -> None:
        refunds = Refunds(MemoryRefunds(), billing)
        billing.faults = {"settle": "lost"}
        for _ in range(2):
            with pytest.raises(BillingUnavailable):
                await work(billing, refunds)
        billing.faults = {}
        assert (await work(billing, refunds)).tokens == 5
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    async def test_retry_before_the_refund_arrives_is_charged_once(self, billing: UnreliableBilling) -> None:
        refunds = Refunds(MemoryRefunds(), billing)
        billing.faults = {"settle": "lost", "refund_hold": "down"}
        with pytest.raises(BillingUnavailable):
            await work(billing, refunds)
        billing.faults = {"refund_hold": "down"}
        assert (await work(billing, refunds)).tokens == 5
        billing.faults = {}
        await refunds.send_all()
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    async def test_work_of_a_paid_key_is_not_done_again(self, billing: UnreliableBilling) -> None:
        await work(billing)
        with pytest.raises(IdempotencyKeyExpired):
            await work(billing, fail=True)
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    async def test_nothing_is_held_after_the_deadline(self, billing: UnreliableBilling) -> None:
        start_deadline(b"0")
        with pytest.raises(DeadlinePassed):
            await work(billing)
        assert billing.calls == []

    async def test_work_that_ends_after_the_deadline_costs_nothing(self, billing: UnreliableBilling) -> None:
        start_deadline(b"60000")
        with pytest.raises(DeadlinePassed):
            async with holds_of(billing).holding(CHARGE, 30, KEYED):
                start_deadline(b"0")
        assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


@pytest.mark.parametrize(
    ("rows", "good", "tokens"),
    [
        (1, 1, 5),
        (1000, 1000, 5),
        (1001, 1001, 10),
        (1001, 1000, 5),
        (2500, 1, 5),
        (2500, 0, 0),
        (2500, 2001, 15),
    ],
)
def test_batch_costs_each_started_thousand_of_valid_rows(rows: int, good: int, tokens: int) -> None:
    held = 5 * -(-rows // 1000)
    assert prorate(held, rows, good, 1000) == tokens


@pytest.mark.parametrize(
    ("held", "candidates", "done", "due"),
    [(8, 8, 3, 3), (8, 8, 8, 8), (24, 8, 1, 3), (1, 8, 7, 0), (0, 8, 8, 0)],
)
def test_comparison_costs_its_finished_candidates(held: int, candidates: int, done: int, due: int) -> None:
    assert prorate(held, candidates, done) == due


@pytest.mark.parametrize(
    ("tokens", "per_units", "budget", "candidates"),
    [(1, 1, 5, 5), (1, 1, 50, 8), (3, 1, 5, 1), (3, 1, 2, 0), (5, 4, 9, 4), (0, 1, 1, 8)],
)
def test_budget_limits_the_number_of_candidates(
    tokens: int, per_units: int, budget: int, candidates: int
) -> None:
    assert affordable(8, tokens, per_units, budget) == candidates
