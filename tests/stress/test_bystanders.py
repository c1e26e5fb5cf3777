"""Bystanders: whatever one user floods, another one sees a balance and trains a small model without delay."""

import pytest
from tests.drill.bystanders import Experience, attack_all

SECONDS_EACH = 5.0


@pytest.mark.timeout(900)
async def test_nobody_notices_that_one_user_floods_a_route() -> None:
    seen: list[Experience] = []
    await attack_all(seen.append, SECONDS_EACH)
    assert seen
    assert [experience.failure for experience in seen if experience.failure is not None] == []
