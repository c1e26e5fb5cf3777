"""Arithmetic of prices."""

import pytest

from ml_service.billing.charging import affordable, prorate


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
def test_batch_costs_each_started_thousand_of_good_rows(rows: int, good: int, tokens: int) -> None:
    held = 5 * -(-rows // 1000)
    assert prorate(held, rows, good, 1000) == tokens


@pytest.mark.parametrize(
    ("held", "candidates", "done", "due"),
    [(8, 8, 3, 3), (8, 8, 8, 8), (24, 8, 1, 3), (1, 8, 7, 0), (0, 8, 8, 0)],
)
def test_comparison_costs_its_finished_candidates(held: int, candidates: int, done: int, due: int) -> None:
    assert prorate(held, candidates, done) == due


@pytest.mark.parametrize(
    ("tokens", "per_units", "budget", "candidates"),
    [(1, 1, 5, 5), (1, 1, 50, 8), (3, 1, 5, 1), (3, 1, 2, 0), (5, 4, 9, 4), (0, 1, 1, 8)],
)
def test_budget_limits_the_number_of_candidates(
    tokens: int, per_units: int, budget: int, candidates: int
) -> None:
    assert affordable(8, tokens, per_units, budget) == candidates
