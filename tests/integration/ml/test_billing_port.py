"""The port, as billing in memory and as the real billing-service over HTTP keep it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import aiohttp
import httpx
import pytest
from tests.integration.ml.serving import serving
from tests.support.billing import Billing as Neighbour
from tests.support.billing import NoRevocations
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from billing_service.main import create_app
from billing_service.settings import Settings
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
    HoldEnded,
    HoldKey,
    Price,
)
from ml_service.errors import BillingUnavailable

ADA, NOBODY = UserId(1), UserId(99)
GRANT = 14


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[HttpBilling]:
    settings = ServiceSettings(jwt_secret=JWT_SECRET)  # pyright: ignore[reportArgumentType] - pydantic converts
    async with aiohttp.ClientSession() as client:
        yield HttpBilling(client, ServiceIdentity(settings, "ml-service"), url)


@pytest.fixture(params=["memory", "http"])
async def billing(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Billing]:
    if request.param == "memory":
        memory = MemoryBilling()
        memory.grant(ADA, GRANT)
        yield memory
        return
    named = {"jwt_secret": JWT_SECRET, "opening_grant": GRANT, **database.settings("billing")}
    app = create_app(Settings.model_validate(named), NoRevocations())
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as http:
        await Neighbour(http).register(ADA)
        async with asking(url) as over_http:
            yield over_http


def charge(user: UserId = ADA, units: int = 1, ttl: int = 30, api_key: ApiKey | None = None) -> Charge:
    key = HoldKey(uuid4().hex)
    return Charge(key, user, "predict", ttl, units, "1_model", api_key)


async def test_what_is_held_is_charged(billing: Billing) -> None:
    held = await billing.hold(wanted := charge())
    assert (held.tokens, held.available) == (5, GRANT - 5)
    receipt = await billing.settle(wanted.key)
    assert (receipt.tokens, receipt.available) == (5, GRANT - 5)


async def test_settling_again_gives_the_same_receipt(billing: Billing) -> None:
    await billing.hold(wanted := charge())
    assert await billing.settle(wanted.key) == await billing.settle(wanted.key)


async def test_holding_again_holds_once(billing: Billing) -> None:
    wanted = charge()
    await billing.hold(wanted)
    assert (await billing.hold(wanted)).tokens == 5
    assert (await billing.hold(charge())).available == GRANT - 10


async def test_what_is_released_can_be_spent(billing: Billing) -> None:
    await billing.hold(wanted := charge(units=2))
    await billing.release(wanted.key)
    await billing.release(wanted.key)
    assert (await billing.hold(charge(units=2))).tokens == 10


async def test_a_released_hold_has_ended(billing: Billing) -> None:
    await billing.hold(wanted := charge())
    await billing.release(wanted.key)
    with pytest.raises(HoldEnded):
        await billing.settle(wanted.key)
    with pytest.raises(HoldEnded):
        await billing.extend(wanted.key, 60)


async def test_a_hold_that_never_was_has_ended(billing: Billing) -> None:
    with pytest.raises(HoldEnded):
        await billing.settle(HoldKey("unheard"))
    await billing.release(HoldKey("unheard"))


async def test_a_live_hold_can_be_extended(billing: Billing) -> None:
    await billing.hold(wanted := charge())
    await billing.extend(wanted.key, 600)
    assert (await billing.settle(wanted.key)).tokens == 5


async def test_less_than_was_held_may_be_charged(billing: Billing) -> None:
    wanted = charge()
    await billing.hold(wanted)
    receipt = await billing.settle(wanted.key, 2)
    assert (receipt.tokens, receipt.available) == (2, GRANT - 2)


async def test_a_quote_that_never_was_is_refused(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(replace(charge(), quote_id=str(uuid4())))
    assert refusal.value.kind == QUOTE_NOT_FOUND


async def test_too_little_is_refused_with_both_numbers(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refused:
        await billing.hold(charge(units=3))
    assert refused.value.kind == NOT_ENOUGH_TOKENS
    assert refused.value.members == {"required": 15, "available": GRANT}


async def test_an_api_keys_cap_is_kept(billing: Billing) -> None:
    api_key = ApiKey(ApiKeyId(7), frozenset(), 5)
    await billing.hold(charge(api_key=api_key))
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(charge(api_key=api_key))
    assert refusal.value.kind == TOKEN_CAP_REACHED
    assert refusal.value.members == {"required": 5, "available": 0}


async def test_a_user_without_a_wallet_is_refused(billing: Billing) -> None:
    with pytest.raises(BillingRefusal) as refusal:
        await billing.hold(charge(NOBODY))
    assert refusal.value.kind == WALLET_NOT_FOUND


async def test_twenty_at_once_on_fourteen_tokens_are_two(billing: Billing) -> None:
    held = await asyncio.gather(*(billing.hold(charge()) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(each, BillingRefusal) for each in held) == 18


async def test_prices_are_known(billing: Billing) -> None:
    prices = await billing.prices()
    assert (prices["predict"], prices["batch"]) == (Price(5, 1), Price(5, 1000))
    assert prices["metadata"].tokens == 0


async def test_billing_that_is_not_there_is_away() -> None:
    async with asking("http://127.0.0.1:9") as billing:
        with pytest.raises(BillingUnavailable):
            await billing.hold(charge())
