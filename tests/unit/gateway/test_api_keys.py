"""API keys are exchanged once, kept for a while, and never longer than their token."""

import asyncio
import gc

import pytest

from gateway.admission.api_keys import ApiKeys, Exchanged
from kit.errors import Unauthenticated


class Exchange:
    """auth-service as far as keys go: knows one key, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.expires_in = 120.0

    async def exchange(self, api_key: str) -> Exchanged:
        self.asked.append(api_key)
        await asyncio.sleep(0)
        if api_key != "fbx_good":
            raise Unauthenticated("no")
        return Exchanged("token", self.expires_in)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()


async def test_a_key_asked_for_twenty_times_at_once_is_exchanged_once(exchange: Exchange) -> None:
    keys = ApiKeys(exchange)
    assert await asyncio.gather(*(keys.ask("fbx_good") for _ in range(20))) == ["token"] * 20
    assert exchange.asked == ["fbx_good"]


async def test_a_kept_token_needs_no_exchange(exchange: Exchange) -> None:
    keys = ApiKeys(exchange)
    assert keys.kept_token("fbx_good") is None
    await keys.ask("fbx_good")
    assert keys.kept_token("fbx_good") == "token"
    assert keys.kept_token("fbx_other") is None


async def test_a_token_that_is_about_to_expire_is_not_kept(exchange: Exchange) -> None:
    exchange.expires_in = 0
    keys = ApiKeys(exchange)
    await keys.ask("fbx_good")
    assert keys.kept_token("fbx_good") is None


async def test_a_refusal_is_not_remembered(exchange: Exchange) -> None:
    keys = ApiKeys(exchange)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await keys.ask("fbx_bad")
    assert exchange.asked == ["fbx_bad", "fbx_bad"]


async def test_a_caller_who_leaves_does_not_take_the_answer_from_the_others(exchange: Exchange) -> None:
    keys = ApiKeys(exchange)
    leaving, staying = asyncio.create_task(keys.ask("fbx_good")), asyncio.create_task(keys.ask("fbx_good"))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "token"
    assert exchange.asked == ["fbx_good"]


async def test_a_refusal_that_nobody_waits_for_any_more_makes_no_noise(exchange: Exchange) -> None:
    noises: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: noises.append(context))
    asking = asyncio.create_task(ApiKeys(exchange).ask("fbx_bad"))
    await asyncio.sleep(0)
    asking.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert noises == []
