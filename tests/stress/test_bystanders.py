"""Bystanders: whatever one user floods, another one sees a balance and trains a small model without delay."""

import pytest
from tests.drill.bystanders import (
    MOST_BALANCE_SECONDS,
    MOST_TRAINING_SECONDS,
    Experience,
    attack_all,
)

SECONDS_EACH = 5.0
# The promise is for two cores, which are half as fast when neighbours use them; `make drill` holds it.
SLOWNESS = 2.0


@pytest.mark.timeout(900)
async def test_nobody_notices_that_one_user_floods_a_route() -> None:
    seen: list[Experience] = []
    await attack_all(seen.append, SECONDS_EACH)
    assert seen
    longest = {each.attack: (each.balance_p99, each.longest_training) for each in seen}
    assert max(balance for balance, _ in longest.values()) < SLOWNESS * MOST_BALANCE_SECONDS, longest
    assert max(training for _, training in longest.values()) < SLOWNESS * MOST_TRAINING_SECONDS, longest
