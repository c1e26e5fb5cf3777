"""Cache of the current prices, emptied by a notification of the database."""

from collections.abc import Awaitable, Callable, Mapping

from billing_service.prices.rules import Price
from kit.notifications import Notifications

# A trigger on the table of prices notifies this channel.
CHANNEL = "billing_prices"


class PriceCache:
    """The current prices by action; while notifications would be lost, they are read each time."""

    def __init__(self) -> None:
        self.notifications = Notifications({CHANNEL: self._receive}, self._forget)
        self._prices: Mapping[str, Price] | None = None
        self._changes = 0

    async def get(self, read: Callable[[], Awaitable[Mapping[str, Price]]]) -> Mapping[str, Price]:
        """The cached prices, or those that `read` returns."""
        if self._prices is not None and self.notifications.is_listening:
            return self._prices
        changes = self._changes
        prices = await read()
        # Prices that have changed since are used once and not stored.
        self._prices = prices if changes == self._changes else None
        return prices

    async def forget_now(self) -> None:
        """Read the prices again, without waiting for the notification."""
        self._forget()

    def _receive(self, _payload: str) -> None:
        self._forget()

    def _forget(self) -> None:
        self._changes += 1
        self._prices = None
