"""The cost of units at a price."""

import pytest

from billing_service.prices.rules import Price


@pytest.mark.parametrize(
    ("units", "cost"), [(0, 0), (1, 5), (999, 5), (1000, 5), (1001, 10), (1_000_000_000, 5_000_000)]
)
def test_started_block_costs_the_full_price(units: int, cost: int) -> None:
    assert Price("batch", 1, 5, 1000).cost_of(units) == cost


def test_free_action_costs_nothing_for_any_units() -> None:
    assert Price("metadata", 1, 0, 1).cost_of(1000) == 0
