"""Access tokens of API keys: exchanged once, cached briefly, never beyond their expiry."""

import asyncio
import gc

import pytest

from gateway.admission.authentication import ApiKeyTokens, ExchangedToken
from kit.errors import Unauthenticated


class FakeExchange:
    """Fake of auth-service's key exchange: accepts one key and records every call."""

    def __init__(self) -> None:
        self.exchanged: list[str] = []
        self.expires_in = 120.0

    async def exchange(self, api_key: str) -> ExchangedToken:
        self.exchanged.append(api_key)
        await asyncio.sleep(0)
        if api_key != "fbx_good":
            raise Unauthenticated("no")
        return ExchangedToken("token", self.expires_in)


@pytest.fixture
def exchange() -> FakeExchange:
    return FakeExchange()


async def test_concurrent_calls_for_one_key_share_one_exchange(exchange: FakeExchange) -> None:
    tokens = ApiKeyTokens(exchange)
    assert await asyncio.gather(*(tokens.exchange("fbx_good") for _ in range(20))) == ["token"] * 20
    assert exchange.exchanged == ["fbx_good"]


async def test_exchanged_token_is_cached(exchange: FakeExchange) -> None:
    tokens = ApiKeyTokens(exchange)
    assert tokens.cached("fbx_good") is None
    await tokens.exchange("fbx_good")
    assert tokens.cached("fbx_good") == "token"
    assert tokens.cached("fbx_other") is None


async def test_expiring_token_is_not_cached(exchange: FakeExchange) -> None:
    exchange.expires_in = 0
    tokens = ApiKeyTokens(exchange)
    await tokens.exchange("fbx_good")
    assert tokens.cached("fbx_good") is None


async def test_failed_exchange_is_not_cached(exchange: FakeExchange) -> None:
    tokens = ApiKeyTokens(exchange)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await tokens.exchange("fbx_bad")
    assert exchange.exchanged == ["fbx_bad", "fbx_bad"]


async def test_cancelled_caller_does_not_cancel_the_shared_exchange(exchange: FakeExchange) -> None:
    tokens = ApiKeyTokens(exchange)
    cancelled, waiting = (asyncio.create_task(tokens.exchange("fbx_good")) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await waiting == "token"
    assert exchange.exchanged == ["fbx_good"]


async def test_failed_exchange_of_cancelled_caller_is_not_unhandled(
    exchange: FakeExchange,
) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: unhandled.append(context))
    calling = asyncio.create_task(ApiKeyTokens(exchange).exchange("fbx_bad"))
    await asyncio.sleep(0)
    calling.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert unhandled == []
