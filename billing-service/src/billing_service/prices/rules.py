"""Rules of prices: the actions that cost tokens, and the formula of their cost."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["train", "predict", "batch", "metadata", "score"]


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """A user's request for a quote; `key` is its idempotency key."""

    user_id: int
    key: str
    action: Action
    units: int


@dataclass(frozen=True, slots=True)
class Price:
    """One version of an action's price: `tokens` for each block of `per_units` units."""

    action: str
    version: int
    tokens: int
    per_units: int

    def cost_of(self, units: int) -> int:
        """The cost in whole tokens; a started block costs the full price."""
        return self.tokens * -(-units // self.per_units)
