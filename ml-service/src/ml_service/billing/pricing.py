"""Arithmetic of prices, which are tokens for each started number of units; all amounts are rounded down."""


def prorate(held: int, units: int, used: int, per_units: int = 1) -> int:
    """The part of the tokens held for all units that is due for the used ones."""
    return held * started(used, per_units) // started(units, per_units)


def affordable(units: int, tokens: int, per_units: int, budget: int) -> int:
    """The number of these units that a budget pays for, at `tokens` for each started `per_units`."""
    return units if tokens == 0 else min(units, per_units * (budget // tokens))


def started(units: int, per_units: int) -> int:
    return -(-units // per_units)
