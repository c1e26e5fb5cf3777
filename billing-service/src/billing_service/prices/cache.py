"""Cache of the current prices."""

from billing_service.caches import NotifiedCache
from billing_service.prices.rules import Price


class PriceCache(NotifiedCache[str, Price]):
    """The current prices by action; a trigger on the table of prices notifies the channel."""

    channel = "billing_prices"
