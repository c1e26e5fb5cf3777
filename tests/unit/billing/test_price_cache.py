"""Cache of prices: stored while changes are announced, and never after one."""

from collections.abc import Mapping

import pytest

from billing_service.prices.cache import PriceCache
from billing_service.prices.rules import Price

OLD, NEW = ({"predict": Price("predict", version, 5, 1)} for version in (1, 2))


class PriceTable:
    def __init__(self) -> None:
        self.prices: Mapping[str, Price] = OLD
        self.reads = 0

    async def read(self) -> Mapping[str, Price]:
        self.reads += 1
        return self.prices


@pytest.fixture
def table() -> PriceTable:
    return PriceTable()


@pytest.fixture
def cache() -> PriceCache:
    cache = PriceCache()
    cache.notifications.is_listening = True
    return cache


async def test_prices_are_read_once(cache: PriceCache, table: PriceTable) -> None:
    assert [await cache.get(table.read) for _ in range(3)] == [OLD] * 3
    assert table.reads == 1


async def test_prices_are_read_again_after_a_change(cache: PriceCache, table: PriceTable) -> None:
    await cache.get(table.read)
    table.prices = NEW
    await cache.forget_now()
    assert await cache.get(table.read) == NEW


async def test_prices_are_read_each_time_while_not_listening(cache: PriceCache, table: PriceTable) -> None:
    await cache.get(table.read)
    cache.notifications.is_listening = False
    table.prices = NEW
    assert [await cache.get(table.read) for _ in range(2)] == [NEW] * 2


async def test_change_during_the_read_is_not_lost(cache: PriceCache, table: PriceTable) -> None:
    async def read_and_change() -> Mapping[str, Price]:
        prices = await table.read()
        table.prices = NEW
        await cache.forget_now()
        return prices

    assert await cache.get(read_and_change) == OLD
    assert await cache.get(table.read) == NEW
