"""Charging: hold, work, settle; or hold, fail, release."""

import asyncio

import pytest
from tests.support.memory_billing import MemoryBilling

from kit.identity import UserId
from ml_service.billing.charging import charging, settle_or_hold_again
from ml_service.billing.port import BillingRefusal, Charge, HoldKey, Receipt
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(HoldKey("key"), ADA, "predict", 30)


@pytest.fixture
def billing() -> MemoryBilling:
    billing = MemoryBilling()
    billing.grant(ADA, 10)
    return billing


async def test_successful_work_is_charged(billing: MemoryBilling) -> None:
    async with charging(billing, CHARGE) as payment:
        assert billing.held(ADA) == 5
    assert (payment.receipt.tokens, payment.receipt.available) == (5, 5)


async def test_partial_work_is_charged_in_part(billing: MemoryBilling) -> None:
    async with charging(billing, CHARGE) as payment:
        payment.tokens = payment.hold.tokens - 2
    assert (payment.receipt.tokens, payment.receipt.available) == (3, 7)
    assert billing.held(ADA) == 0


async def test_failed_work_costs_nothing(billing: MemoryBilling) -> None:
    with pytest.raises(LookupError):
        async with charging(billing, CHARGE):
            raise LookupError
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_cancelled_work_costs_nothing(billing: MemoryBilling) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with charging(billing, CHARGE):
            begun.set()
            await asyncio.Event().wait()

    working = asyncio.create_task(work())
    await begun.wait()
    assert billing.held(ADA) == 5
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_settling_twice_charges_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert billing.balance(ADA) == 5


async def test_expired_hold_is_placed_again_and_charged_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    billing.expire_all()
    first = await settle_or_hold_again(billing, CHARGE)
    assert await settle_or_hold_again(billing, CHARGE) == first
    assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)


async def test_expired_hold_without_tokens_is_refused(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    billing.expire_all()
    billing.wallets[ADA].posted = 4
    with pytest.raises(BillingRefusal):
        await settle_or_hold_again(billing, CHARGE)


class BillingWithLostAnswer(MemoryBilling):
    """Settles, but its first answer never arrives."""

    lost = False

    async def settle(self, hold: HoldKey, tokens: int | None = None) -> Receipt:
        receipt = await super().settle(hold, tokens)
        if not self.lost:
            self.lost = True
            raise BillingUnavailable
        return receipt


async def test_settlement_with_lost_answer_is_repeated() -> None:
    billing = BillingWithLostAnswer()
    billing.grant(ADA, 10)
    async with charging(billing, CHARGE) as payment:
        pass
    assert payment.receipt.tokens == 5
    assert (billing.lost, billing.balance(ADA), billing.held(ADA)) == (True, 5, 0)
