"""What work costs."""

from dataclasses import dataclass
from typing import Literal, get_args

Action = Literal["train", "predict", "batch", "metadata"]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class QuoteOrder:
    """What a user wants to know the cost of; the key is the request's own."""

    user_id: int
    key: str
    action: Action
    units: int


@dataclass(frozen=True, slots=True)
class Price:
    """So many tokens for each started `per_units` units, since this version of the action's price."""

    action: str
    version: int
    tokens: int
    per_units: int

    def cost_of(self, units: int) -> int:
        """Whole tokens; a started portion costs as much as a full one."""
        return self.tokens * -(-units // self.per_units)
