"""Contract of the billing port, for billing in memory and for the real billing-service over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import aiohttp
import httpx
import pytest
from tests.integration.ml.serving import serving
from tests.support.billing import Billing as BillingClient
from tests.support.billing import NoRevocations
from tests.support.groups import GROUP, Budget
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.main import create_app
from billing_service.settings import Settings
from kit.deadlines import start_deadline
from kit.errors import DeadlinePassed
from kit.identity import ApiKey, ApiKeyId, UserId
from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings
from ml_service.billing.http import HttpBilling
from ml_service.billing.port import (
    NOT_ENOUGH_TOKENS,
    QUOTE_NOT_FOUND,
    TOKEN_CAP_REACHED,
    WALLET_NOT_FOUND,
    Billing,
    BillingRefusal,
    Charge,
    ChargeKey,
    ChargeRefunded,
    HoldEnded,
    HoldNotFound,
    Price,
)

ADA, NOBODY = UserId(1), UserId(99)
GRANT, POOL = 14, 20


@asynccontextmanager
async def http_billing(url: str) -> AsyncIterator[HttpBilling]:
    settings = ServiceSettings(jwt_secret=JWT_SECRET)  # pyright: ignore[reportArgumentType] - pydantic converts
    async with aiohttp.ClientSession() as client:
        yield HttpBilling(client, ServiceIdentity(settings, "ml-service"), url)


@pytest.fixture(params=["memory", "http"])
async def billing(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Billing]:
    if request.param == "memory":
        memory = MemoryBilling()
        memory.grant(ADA, GRANT)
        memory.fund(GROUP, POOL, ADA)
        yield memory
        return
    values = {"jwt_secret": JWT_SECRET, "opening_grant": GRANT, **database.settings("billing")}
    app = create_app(Settings.model_validate(values), NoRevocations())
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as http:
        budget = Budget(BillingClient(http, app.state.container.scheduler))
        await budget.open(ADA, kind="lab")
        await budget.grant(POOL)
        async with http_billing(url) as over_http:
            yield over_http


def new_charge(user: UserId = ADA, units: int = 1, api_key: ApiKey | None = None) -> Charge:
    return Charge(ChargeKey(uuid4().hex), user, "predict", units, "1_model", api_key)


async def test_charge_debits_at_once(billing: Billing) -> None:
    receipt = await billing.charge(new_charge())
    assert (receipt.tokens, receipt.available) == (5, GRANT - 5)


async def test_group_pays_and_its_context_knows_the_usage(billing: Billing) -> None:
    now = datetime.now(UTC)
    work = replace(new_charge(), group_id=GROUP, context="challenge:17")
    receipt = await billing.charge(work)
    assert (receipt.tokens, receipt.available) == (5, POOL - 5)
    await billing.hold(held := replace(work, key=ChargeKey("held")), 30)
    await billing.settle(held.key, 3)
    assert await billing.usage(GROUP, "challenge:17", now + timedelta(hours=1)) == {ADA: 8}
    assert await billing.usage(GROUP, "challenge:17", now - timedelta(hours=1)) == {}
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(replace(new_charge(), group_id=GROUP + 1), 30)
    assert refusal.value.code == "group_not_found"


async def test_second_charge_with_the_key_returns_the_same_receipt(billing: Billing) -> None:
    charge = new_charge()
    assert await billing.charge(charge) == await billing.charge(charge)
    assert (await billing.charge(new_charge())).available == GRANT - 10


async def test_refunded_tokens_can_be_spent_once(billing: Billing) -> None:
    await billing.charge(charge := new_charge(units=2))
    await billing.refund(charge.key, ADA)
    await billing.refund(charge.key, ADA)
    assert (await billing.charge(new_charge(units=2))).available == GRANT - 10


async def test_refunded_key_cannot_be_charged(billing: Billing) -> None:
    await billing.charge(charge := new_charge())
    await billing.refund(charge.key, ADA)
    with pytest.raises(ChargeRefunded):
        await billing.charge(charge)


async def test_refund_before_its_charge_prevents_it(billing: Billing) -> None:
    charge = new_charge()
    await billing.refund(charge.key, ADA)
    with pytest.raises(ChargeRefunded):
        await billing.charge(charge)
    assert (await billing.charge(charge.attempts()[1])).available == GRANT - 5


async def test_charge_counts_toward_the_cap_of_an_api_key_until_it_is_refunded(billing: Billing) -> None:
    api_key = ApiKey(ApiKeyId(7), frozenset(), 5)
    await billing.charge(charge := new_charge(api_key=api_key))
    with pytest.raises(BillingRefusal) as refusal:
        await billing.charge(new_charge(api_key=api_key))
    assert refusal.value.kind == TOKEN_CAP_REACHED
    await billing.refund(charge.key, ADA)
    assert (await billing.charge(new_charge(api_key=api_key))).tokens == 5


@pytest.mark.parametrize("user", [ADA, NOBODY])
async def test_unaffordable_charge_is_refused(billing: Billing, user: UserId) -> None:
    with pytest.raises(BillingRefusal) as refusal:
        await billing.charge(new_charge(user, units=3))
    assert refusal.value.kind == (NOT_ENOUGH_TOKENS if user == ADA else WALLET_NOT_FOUND)


async def test_fourteen_tokens_pay_for_two_of_twenty_charges(billing: Billing) -> None:
    results = await asyncio.gather(*(billing.charge(new_charge()) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, BillingRefusal) for result in results) == 18


async def test_hold_is_charged(billing: Billing) -> None:
    hold = await billing.hold(charge := new_charge(), 30)
    assert (hold.tokens, hold.available) == (5, GRANT - 5)
    receipt = await billing.settle(charge.key)
    assert (receipt.tokens, receipt.available) == (5, GRANT - 5)


async def test_second_settlement_returns_the_same_receipt(billing: Billing) -> None:
    await billing.hold(charge := new_charge(), 30)
    assert await billing.settle(charge.key) == await billing.settle(charge.key)


async def test_second_hold_with_the_key_holds_once(billing: Billing) -> None:
    charge = new_charge()
    await billing.hold(charge, 30)
    assert (await billing.hold(charge, 30)).tokens == 5
    assert (await billing.hold(new_charge(), 30)).available == GRANT - 10


async def test_released_tokens_can_be_spent(billing: Billing) -> None:
    await billing.hold(charge := new_charge(units=2), 30)
    await billing.release(charge.key)
    await billing.release(charge.key)
    assert (await billing.hold(new_charge(units=2), 30)).tokens == 10


async def test_released_hold_has_ended(billing: Billing) -> None:
    await billing.hold(charge := new_charge(), 30)
    await billing.release(charge.key)
    with pytest.raises(HoldEnded):
        await billing.settle(charge.key)
    with pytest.raises(HoldEnded):
        await billing.extend(charge.key, 60)


async def test_unknown_hold_is_not_found(billing: Billing) -> None:
    with pytest.raises(HoldNotFound):
        await billing.settle(ChargeKey("unknown"))
    await billing.release(ChargeKey("unknown"))


async def test_refunded_hold_can_be_spent_once(billing: Billing) -> None:
    await billing.hold(charge := new_charge(units=2), 30)
    await billing.refund_hold(charge.key, ADA)
    await billing.refund_hold(charge.key, ADA)
    assert (await billing.charge(new_charge(units=2))).available == GRANT - 10


async def test_refund_of_a_settled_hold_returns_its_tokens(billing: Billing) -> None:
    await billing.hold(charge := new_charge(units=2), 30)
    await billing.settle(charge.key, 7)
    await billing.refund_hold(charge.key, ADA)
    await billing.refund_hold(charge.key, ADA)
    with pytest.raises(HoldEnded) as refusal:
        await billing.settle(charge.key)
    assert not refusal.value.is_paid
    assert (await billing.charge(new_charge(units=2))).available == GRANT - 10


async def test_refund_before_its_hold_prevents_it(billing: Billing) -> None:
    charge = new_charge()
    await billing.refund_hold(charge.key, ADA)
    with pytest.raises(HoldEnded):
        await billing.hold(charge, 30)
    with pytest.raises(HoldEnded):
        await billing.settle(charge.key)
    assert (await billing.hold(charge.attempts()[1], 30)).available == GRANT - 5


@pytest.mark.parametrize(("end", "is_paid"), [("settle", True), ("release", False), ("refund", False)])
async def test_ended_hold_cannot_be_placed_again(billing: Billing, end: str, is_paid: bool) -> None:
    await billing.hold(charge := new_charge(), 30)
    if end == "settle":
        await billing.settle(charge.key)
    elif end == "release":
        await billing.release(charge.key)
    else:
        await billing.refund_hold(charge.key, ADA)
    with pytest.raises(HoldEnded) as refusal:
        await billing.hold(charge, 30)
    assert refusal.value.is_paid == is_paid


async def test_receipt_of_an_earlier_charge_is_marked(billing: Billing) -> None:
    charge = new_charge()
    assert [(await billing.charge(charge)).replayed for _ in range(2)] == [False, True]


async def test_nothing_is_charged_or_held_after_the_deadline(billing: Billing) -> None:
    start_deadline(b"0")
    try:
        with pytest.raises(DeadlinePassed):
            await billing.charge(new_charge())
        with pytest.raises(DeadlinePassed):
            await billing.hold(new_charge(), 30, limited=True)
        # The hold of a job does not depend on the request that orders it.
        assert (await billing.hold(new_charge(), 30)).available == GRANT - 5
    finally:
        start_deadline(None)


async def test_live_hold_can_be_extended(billing: Billing) -> None:
    await billing.hold(charge := new_charge(), 30)
    await billing.extend(charge.key, 600)
    assert (await billing.settle(charge.key)).tokens == 5


async def test_part_of_a_hold_can_be_charged(billing: Billing) -> None:
    charge = new_charge()
    await billing.hold(charge, 30)
    receipt = await billing.settle(charge.key, 2)
    assert (receipt.tokens, receipt.available) == (2, GRANT - 2)


async def test_unknown_quote_is_refused(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(replace(new_charge(), quote_id=str(uuid4())), 30)
    assert refusal.value.kind == QUOTE_NOT_FOUND


async def test_refusal_has_required_and_available_tokens_and_payers(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refused:
        await billing.hold(new_charge(units=3), 30)
    assert refused.value.kind == NOT_ENOUGH_TOKENS
    payer = {"kind": "own", "account": "wallet:1", "available": GRANT, "held": 0, "expires_at": None}
    sizes = {"required": 15, "available": GRANT}
    assert refused.value.members == sizes | {"payers": [payer], "limit": None}


async def test_cap_of_an_api_key_is_enforced(billing: Billing) -> None:
    api_key = ApiKey(ApiKeyId(7), frozenset(), 5)
    await billing.hold(new_charge(api_key=api_key), 30)
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(new_charge(api_key=api_key), 30)
    assert refusal.value.kind == TOKEN_CAP_REACHED
    assert refusal.value.members == {"required": 5, "available": 0}


async def test_user_without_a_wallet_is_refused(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(new_charge(NOBODY), 30)
    assert refusal.value.kind == WALLET_NOT_FOUND


async def test_fourteen_tokens_pay_for_two_of_twenty_holds(billing: Billing) -> None:
    results = await asyncio.gather(
        *(billing.hold(new_charge(), 30) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, BillingRefusal) for result in results) == 18


async def test_prices_are_returned(billing: Billing) -> None:
    prices = await billing.prices()
    assert (prices["predict"], prices["batch"]) == (Price(5, 1), Price(5, 1000))
    assert prices["metadata"].tokens == 0
