"""Holds, settlements and releases around work, and the price of a part of it."""

import asyncio

import pytest
from tests.support.memory_billing import MemoryBilling

from kit.identity import UserId
from ml_service.billing.holds import affordable, holding, prorate, settle_or_hold_again
from ml_service.billing.port import BillingRefusal, Charge, ChargeKey, Receipt
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(ChargeKey("key"), ADA, "predict")


@pytest.fixture
def billing() -> MemoryBilling:
    billing = MemoryBilling()
    billing.grant(ADA, 10)
    return billing


async def test_successful_work_is_charged(billing: MemoryBilling) -> None:
    async with holding(billing, CHARGE, 30) as payment:
        assert billing.held(ADA) == 5
    assert (payment.receipt.tokens, payment.receipt.available) == (5, 5)


async def test_partial_work_is_charged_in_part(billing: MemoryBilling) -> None:
    async with holding(billing, CHARGE, 30) as payment:
        payment.tokens = payment.hold.tokens - 2
    assert (payment.receipt.tokens, payment.receipt.available) == (3, 7)
    assert billing.held(ADA) == 0


async def test_failed_work_costs_nothing(billing: MemoryBilling) -> None:
    with pytest.raises(LookupError):
        async with holding(billing, CHARGE, 30):
            raise LookupError
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_cancelled_work_costs_nothing(billing: MemoryBilling) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with holding(billing, CHARGE, 30):
            started.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await started.wait()
    assert billing.held(ADA) == 5
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_settling_twice_charges_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE, 30)
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert billing.balance(ADA) == 5


async def test_expired_hold_is_placed_again_and_charged_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE, 30)
    billing.expire_all()
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)


async def test_expired_hold_without_tokens_is_refused(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE, 30)
    billing.expire_all()
    billing.wallets[ADA].posted = 4
    with pytest.raises(BillingRefusal):
        await settle_or_hold_again(billing, CHARGE)


class BillingWithLostAnswer(MemoryBilling):
    """Settles, but its first answer is lost."""

    lost = False

    async def settle(self, hold: ChargeKey, tokens: int | None = None) -> Receipt:
        receipt = await super().settle(hold, tokens)
        if not self.lost:
            self.lost = True
            raise BillingUnavailable
        return receipt


async def test_settlement_with_lost_answer_is_repeated() -> None:
    billing = BillingWithLostAnswer()
    billing.grant(ADA, 10)
    async with holding(billing, CHARGE, 30) as payment:
        pass
    assert payment.receipt.tokens == 5
    assert (billing.lost, billing.balance(ADA), billing.held(ADA)) == (True, 5, 0)


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
