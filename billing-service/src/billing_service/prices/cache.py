"""Cache of the current prices, which a notification of the database empties."""

from collections.abc import Awaitable, Callable, Mapping

from billing_service.prices.rules import Price

# A trigger on the table of prices notifies this channel.
CHANNEL = "billing_prices"


class PriceCache:
    """The current prices by action; while no notification would arrive, they are read each time."""

    def __init__(self) -> None:
        self._prices: Mapping[str, Price] | None = None
        self._changes = 0
        self._listening = False

    async def get(self, read: Callable[[], Awaitable[Mapping[str, Price]]]) -> Mapping[str, Price]:
        if self._prices is not None:
            return self._prices
        changes = self._changes
        prices = await read()
        # Prices that changed meanwhile are used once and not stored.
        if self._listening and changes == self._changes:
            self._prices = prices
        return prices

    async def forget(self) -> None:
        """Read the prices again: one has changed."""
        self._forget()

    def start_listening(self) -> None:
        """Store prices from now on, since changes are announced."""
        self._forget()
        self._listening = True

    def stop_listening(self) -> None:
        """Store no prices until notifications arrive again."""
        self._forget()
        self._listening = False

    def _forget(self) -> None:
        self._changes += 1
        self._prices = None
