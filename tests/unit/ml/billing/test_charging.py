"""Hold, work, settle; or hold, fail, release."""

import asyncio

import pytest
from tests.support.memory_billing import MemoryBilling

from kit.identity import UserId
from ml_service.billing.charging import charged, charged_in_part, settle_surely
from ml_service.billing.port import BillingRefusal, Charge, Hold, HoldKey, Receipt
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(HoldKey("key"), ADA, "predict", 30)


@pytest.fixture
def billing() -> MemoryBilling:
    made = MemoryBilling()
    made.grant(ADA, 10)
    return made


async def test_work_that_succeeds_is_charged(billing: MemoryBilling) -> None:
    async def work() -> str:
        assert billing.held(ADA) == 5
        return "done"

    result, receipt = await charged(billing, CHARGE, work)
    assert (result, receipt.tokens, receipt.available) == ("done", 5, 5)


async def test_work_that_did_less_than_was_held_for_is_charged_for_that(billing: MemoryBilling) -> None:
    async def work(hold: Hold) -> tuple[str, int]:
        return "some of it", hold.tokens - 2

    result, receipt = await charged_in_part(billing, CHARGE, work)
    assert (result, receipt.tokens, receipt.available) == ("some of it", 3, 7)
    assert billing.held(ADA) == 0


async def test_work_that_fails_costs_nothing(billing: MemoryBilling) -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await charged(billing, CHARGE, work)
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_work_that_is_cancelled_costs_nothing(billing: MemoryBilling) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.Event().wait()

    working = asyncio.create_task(charged(billing, CHARGE, work))
    await begun.wait()
    assert billing.held(ADA) == 5
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)


async def test_settling_again_charges_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    first = await settle_surely(billing, CHARGE)
    assert await settle_surely(billing, CHARGE) == first
    assert billing.balance(ADA) == 5


async def test_an_expired_hold_is_placed_again_and_charged_once(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    billing.expire_all()
    first = await settle_surely(billing, CHARGE)
    assert await settle_surely(billing, CHARGE) == first
    assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)


async def test_an_expired_hold_whose_tokens_are_gone_is_refused(billing: MemoryBilling) -> None:
    await billing.hold(CHARGE)
    billing.expire_all()
    billing.wallets[ADA].posted = 4
    with pytest.raises(BillingRefusal):
        await settle_surely(billing, CHARGE)


class AnswersGetLost(MemoryBilling):
    """Settles, but its first answer never arrives."""

    lost = False

    async def settle(self, hold: HoldKey, tokens: int | None = None) -> Receipt:
        receipt = await super().settle(hold, tokens)
        if not self.lost:
            self.lost = True
            raise BillingUnavailable
        return receipt


async def test_a_settlement_whose_answer_was_lost_is_asked_for_again() -> None:
    billing = AnswersGetLost()
    billing.grant(ADA, 10)

    async def work() -> str:
        return "done"

    result, receipt = await charged(billing, CHARGE, work)
    assert (result, receipt.tokens) == ("done", 5)
    assert (billing.lost, billing.balance(ADA), billing.held(ADA)) == (True, 5, 0)
