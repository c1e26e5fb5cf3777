"""Actions that cost tokens, and the formula of a price."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["train", "predict", "batch", "metadata"]


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """Work that a user wants a quote for; `key` is the request's idempotency key."""

    user_id: int
    key: str
    action: Action
    units: int


@dataclass(frozen=True, slots=True)
class Price:
    """One version of an action's price: `tokens` for each started `per_units` units."""

    action: str
    version: int
    tokens: int
    per_units: int

    def cost_of(self, units: int) -> int:
        """Whole tokens; a started portion costs as much as a full one."""
        return self.tokens * -(-units // self.per_units)
