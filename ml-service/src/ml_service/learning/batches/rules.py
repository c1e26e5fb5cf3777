"""What a batch costs, and how much of it is in memory at once."""

MOST_ROWS_AT_ONCE = 20_000
MOST_CELLS_AT_ONCE = 2_000_000


def cost_of(held: int, rows: int, good: int, per_units: int) -> int:
    """The part of what was held for all rows that the good ones cost: the price is for each started unit."""
    return held * -(-good // per_units) // -(-rows // per_units)


def rows_at_once(columns: int, encoded: int) -> int:
    """For a table of so many columns, which the model sees as so many numbers a row."""
    return max(1, min(MOST_ROWS_AT_ONCE, MOST_CELLS_AT_ONCE // max(columns, encoded, 1)))
