"""Prices and quotes."""

from datetime import datetime

from farebox.results.base import Result


class Price(Result):
    """`tokens` for each started `per_units` units of an action."""

    action: str
    tokens: int
    per_units: int
    version: int
    created_at: datetime

    def cost_of(self, units: int) -> int:
        """What so many units cost; a started portion costs as much as a full one."""
        return self.tokens * -(-units // self.per_units)


class Quote(Result):
    """What something would cost, kept at this price until it expires."""

    id: str
    action: str
    units: int
    tokens: int
    price_version: int
    expires_at: datetime
