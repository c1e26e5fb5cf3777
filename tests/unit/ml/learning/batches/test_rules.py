"""What a batch costs."""

import pytest

from ml_service.learning.batches.pipeline import MOST_ROWS_AT_ONCE, cost_of, rows_at_once


@pytest.mark.parametrize(
    ("rows", "good", "tokens"),
    [
        (1, 1, 5),
        (1000, 1000, 5),
        (1001, 1001, 10),
        (1001, 1000, 5),
        (2500, 1, 5),
        (2500, 0, 0),
        (2500, 2001, 15),
    ],
)
def test_each_started_thousand_of_good_rows_is_paid_for(rows: int, good: int, tokens: int) -> None:
    held = 5 * -(-rows // 1000)
    assert cost_of(held, rows, good, 1000) == tokens


def test_wide_tables_are_taken_in_smaller_pieces() -> None:
    assert rows_at_once(9, 12) == MOST_ROWS_AT_ONCE
    assert rows_at_once(2000, 100_000) == 20
    assert rows_at_once(10_000_000, 1) == 1
