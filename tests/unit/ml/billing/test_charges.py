"""Charges around work that is answered at once: the caller has an answer, or has paid nothing."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from tests.support.memory_refunds import MemoryRefunds
from tests.support.unreliable_billing import Fault, UnreliableBilling

from kit.deadlines import start_deadline
from kit.errors import DeadlinePassed, IdempotencyKeyExpired
from kit.idempotency import Claim, KeyedRequest
from kit.identity import UserId
from ml_service.billing.charges import Charges
from ml_service.billing.port import BillingRefusal, Charge, ChargeKey, Receipt
from ml_service.billing.refunds import Refunds
from ml_service.errors import BillingUnavailable

ADA = UserId(1)
CHARGE = Charge(ChargeKey("key"), ADA, "predict")


def claim(key: str | None = "key", *, is_first: bool = True) -> Claim:
    return Claim(None, KeyedRequest("1", key, bytes(32)), is_first=is_first)  # type: ignore[arg-type] - it stores nothing


FIRST, RECLAIMED, UNKEYED = claim(), claim(is_first=False), claim(None)


@pytest.fixture(autouse=True)
def _no_deadline() -> Iterator[None]:
    yield
    start_deadline(None)


async def work(
    billing: UnreliableBilling,
    refunds: Refunds | None = None,
    claim: Claim = FIRST,
    *,
    fail: bool = False,
) -> Receipt:
    async with Charges(billing, refunds or Refunds(MemoryRefunds(), billing)).charging(CHARGE, claim) as (
        _,
        receipt,
    ):
        if fail:
            raise LookupError
    return receipt


@pytest.mark.parametrize("claim", [FIRST, RECLAIMED, UNKEYED])
async def test_work_is_charged_once(billing: UnreliableBilling, claim: Claim) -> None:
    assert (await work(billing, claim=claim)).tokens == 5
    assert billing.balance(ADA) == 5


@pytest.mark.parametrize("fault", ["lost", "late", "down", "unreachable"])
@pytest.mark.parametrize("claim", [FIRST, UNKEYED])
async def test_charge_without_an_answer_costs_nothing(
    billing: UnreliableBilling, claim: Claim, fault: Fault
) -> None:
    billing.faults = {"charge": fault}
    with pytest.raises(BillingUnavailable):
        await work(billing, claim=claim)
    await billing.apply_late()
    assert billing.balance(ADA) == 10


@pytest.mark.parametrize("fault", ["lost", "late", "down", "unreachable"])
async def test_refund_without_an_answer_is_sent_again(billing: UnreliableBilling, fault: Fault) -> None:
    store = MemoryRefunds()
    refunds = Refunds(store, billing)
    billing.faults = {"refund": fault}
    with pytest.raises(LookupError):
        await work(billing, refunds, fail=True)
    billing.faults = {}
    await billing.apply_late()
    await refunds.send_all()
    assert (billing.balance(ADA), store.recorded) == (10, {})


async def test_gauge_shows_refunds_until_billing_answers(billing: UnreliableBilling) -> None:
    refunds = Refunds(MemoryRefunds(), billing)
    billing.faults = {"refund": "down"}
    with pytest.raises(LookupError):
        await work(billing, refunds, fail=True)
    shown: list[float | None] = []
    for faults in (billing.faults, {}):
        billing.faults = faults
        await refunds.send_all()
        shown.append(REGISTRY.get_sample_value("farebox_waiting_refunds"))
    assert shown == [1, 0]


async def test_retry_after_failures_is_charged_once(billing: UnreliableBilling) -> None:
    refunds = Refunds(MemoryRefunds(), billing)
    for _ in range(3):
        with pytest.raises(LookupError):
            await work(billing, refunds, fail=True)
    assert (await work(billing, refunds)).tokens == 5
    assert billing.balance(ADA) == 5


async def test_charge_of_a_request_that_died_pays_for_its_retry(billing: UnreliableBilling) -> None:
    await billing.charge(CHARGE)
    assert (await work(billing, claim=RECLAIMED)).replayed
    assert billing.balance(ADA) == 5


async def test_charge_of_a_forgotten_answer_pays_for_nothing(billing: UnreliableBilling) -> None:
    """Its key is new to the service, as after the deletion of old keys, but not to billing."""
    await billing.charge(CHARGE)
    with pytest.raises(IdempotencyKeyExpired):
        await work(billing)
    assert billing.balance(ADA) == 5


async def test_nothing_is_charged_after_the_deadline(billing: UnreliableBilling) -> None:
    start_deadline(b"0")
    with pytest.raises(DeadlinePassed):
        await work(billing)
    assert billing.calls == []


@pytest.mark.parametrize("claim", [FIRST, UNKEYED])
async def test_work_that_ends_after_the_deadline_costs_nothing(
    billing: UnreliableBilling, claim: Claim
) -> None:
    start_deadline(b"60000")
    with pytest.raises(DeadlinePassed):
        async with Charges(billing, Refunds(MemoryRefunds(), billing)).charging(CHARGE, claim):
            start_deadline(b"0")
    assert billing.balance(ADA) == 10


async def test_charge_that_is_answered_after_the_deadline_costs_nothing(billing: UnreliableBilling) -> None:
    billing.faults, billing.seconds = {"charge": "slow"}, 0.05
    start_deadline(b"10")
    with pytest.raises(DeadlinePassed):
        await work(billing)
    assert billing.balance(ADA) == 10


async def test_refusal_leaves_the_wallet_as_it_is(billing: UnreliableBilling) -> None:
    billing.wallets[ADA].posted = 4
    with pytest.raises(BillingRefusal):
        await work(billing)
    assert billing.calls == ["charge"]


async def test_tenth_failure_uses_up_the_key(billing: UnreliableBilling) -> None:
    refunds = Refunds(MemoryRefunds(), billing)
    for _ in range(10):
        with pytest.raises(LookupError):
            await work(billing, refunds, fail=True)
    with pytest.raises(IdempotencyKeyExpired):
        await work(billing, refunds)
    assert billing.balance(ADA) == 10
