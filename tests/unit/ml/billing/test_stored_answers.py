"""Retries that receive a stored answer: each pays once, and what has paid for a sent answer stays."""

import pytest
from tests.support.memory_answers import MemoryAnswer
from tests.support.memory_refunds import MemoryRefunds
from tests.support.unreliable_billing import Fault, UnreliableBilling

from kit.identity import UserId
from ml_service.billing import holds
from ml_service.billing.charges import Charges
from ml_service.billing.holds import Holds, settle_or_hold_again
from ml_service.billing.port import Charge, ChargeKey, Receipt
from ml_service.billing.refunds import Refunds
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(ChargeKey("key"), ADA, "predict")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settlements are repeated for a moment instead of 10 seconds."""
    monkeypatch.setattr(holds, "SETTLE_TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(holds, "SETTLE_PAUSE_SECONDS", 0.01)


@pytest.fixture
def answer() -> MemoryAnswer:
    return MemoryAnswer(CHARGE.key)


async def charge_again(billing: UnreliableBilling, answer: MemoryAnswer) -> None:
    stored = answer.replay()
    await Charges(billing, Refunds(MemoryRefunds(), billing)).charge_again(CHARGE, stored.claim, stored)


async def settle_again(billing: UnreliableBilling, answer: MemoryAnswer, tokens: int = 5) -> Receipt:
    stored = answer.replay()
    return await Holds(billing, Refunds(MemoryRefunds(), billing)).settle_again(CHARGE, tokens, stored)


class TestCharged:
    @pytest.mark.parametrize("is_refunded", [False, True])
    async def test_stays_paid_when_its_replay_fails(
        self, billing: UnreliableBilling, answer: MemoryAnswer, *, is_refunded: bool
    ) -> None:
        """Its first answer, or that of a replay that was charged after a refund, may have arrived."""
        await billing.charge(CHARGE)
        if is_refunded:
            await billing.refund(CHARGE.key, ADA)
            await charge_again(billing, answer)
        billing.faults = {"charge": "lost"}
        with pytest.raises(BillingUnavailable):
            await charge_again(billing, answer)
        assert billing.balance(ADA) == 5

    async def test_that_was_paid_under_a_later_key_is_not_paid_under_an_earlier_one(
        self, billing: UnreliableBilling
    ) -> None:
        """The charge under the first key was refused: billing has neither it nor a refund."""
        later = CHARGE.attempts()[1]
        await billing.charge(later)
        await charge_again(billing, MemoryAnswer(later.key))
        assert billing.balance(ADA) == 5

    @pytest.mark.parametrize("fault", ["lost", "late"])
    async def test_that_was_refunded_costs_nothing_when_its_replay_fails(
        self, billing: UnreliableBilling, answer: MemoryAnswer, fault: Fault
    ) -> None:
        await billing.charge(CHARGE)
        await billing.refund(CHARGE.key, ADA)
        billing.faults, billing.spared = {"charge": fault}, {CHARGE.key}
        with pytest.raises(BillingUnavailable):
            await charge_again(billing, answer)
        await billing.apply_late()
        assert billing.balance(ADA) == 10


class TestHeld:
    async def test_whose_hold_was_settled_is_not_charged_again(
        self, billing: UnreliableBilling, answer: MemoryAnswer
    ) -> None:
        await settle_or_hold_again(billing, CHARGE)
        assert (await settle_again(billing, answer)).tokens == 5
        assert billing.balance(ADA) == 5

    async def test_whose_hold_was_not_settled_is_charged(
        self, billing: UnreliableBilling, answer: MemoryAnswer
    ) -> None:
        await billing.hold(CHARGE, 30)
        assert (await settle_again(billing, answer, 3)).tokens == 3
        assert (billing.balance(ADA), billing.held(ADA)) == (7, 0)

    async def test_that_was_paid_under_a_later_key_is_not_paid_under_an_earlier_one(
        self, billing: UnreliableBilling
    ) -> None:
        later = CHARGE.attempts()[1]
        await billing.hold(later, 30)
        assert (await settle_again(billing, MemoryAnswer(later.key))).tokens == 5
        assert (await settle_again(billing, MemoryAnswer(later.key))).tokens == 5
        assert (billing.balance(ADA), billing.held(ADA)) == (5, 0)

    async def test_whose_hold_was_refunded_is_charged_once(
        self, billing: UnreliableBilling, answer: MemoryAnswer
    ) -> None:
        await settle_or_hold_again(billing, CHARGE)
        await billing.refund_hold(CHARGE.key, ADA)
        receipts = [await settle_again(billing, answer) for _ in range(2)]
        assert receipts[0] == receipts[1]
        assert billing.balance(ADA) == 5

    @pytest.mark.parametrize("is_refunded", [False, True])
    async def test_that_was_paid_stays_paid_when_a_replay_fails(
        self, billing: UnreliableBilling, answer: MemoryAnswer, *, is_refunded: bool
    ) -> None:
        """Whether it was paid by its first request or, after a refund, by a replay."""
        await settle_or_hold_again(billing, CHARGE)
        if is_refunded:
            await billing.refund_hold(CHARGE.key, ADA)
            await settle_again(billing, answer)
        billing.faults = {"settle": "lost"}
        with pytest.raises(BillingUnavailable):
            await settle_again(billing, answer)
        assert billing.balance(ADA) == 5

    @pytest.mark.parametrize("fault", ["lost", "late"])
    @pytest.mark.parametrize("operation", ["hold", "settle"])
    async def test_whose_new_payment_fails_costs_nothing(
        self, billing: UnreliableBilling, answer: MemoryAnswer, operation: str, fault: Fault
    ) -> None:
        await settle_or_hold_again(billing, CHARGE)
        await billing.refund_hold(CHARGE.key, ADA)
        billing.faults, billing.spared = {operation: fault}, {CHARGE.key}
        with pytest.raises(BillingUnavailable):
            await settle_again(billing, answer)
        await billing.apply_late()
        assert (billing.balance(ADA), billing.held(ADA)) == (10, 0)
