"""What work costs."""

import pytest

from billing_service.prices.rules import Price


@pytest.mark.parametrize(
    ("units", "cost"), [(0, 0), (1, 5), (999, 5), (1000, 5), (1001, 10), (1_000_000_000, 5_000_000)]
)
def test_each_started_portion_is_paid(units: int, cost: int) -> None:
    assert Price("batch", 1, 5, 1000).cost_of(units) == cost


def test_free_stays_free() -> None:
    assert Price("metadata", 1, 0, 1).cost_of(1000) == 0
