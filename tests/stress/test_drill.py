"""A quick drill: the whole stack is broken on purpose and stays whole; `make drill` is the long one."""

import pytest
from tests.drill.run import Round, drill

SECONDS = 60
SEED = 5


@pytest.mark.timeout(900)
async def test_stack_stays_whole_while_it_is_broken() -> None:
    seen: list[Round] = []
    await drill(SECONDS, SEED, quick=True, report=seen.append)
    assert seen
    assert [(round_.fault.name, round_.failure) for round_ in seen if round_.failure is not None] == []
