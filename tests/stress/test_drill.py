"""A quick drill: the whole stack is broken on purpose and stays whole; `make drill` is the long one."""

import pytest
from tests.drill.run import QUICK_MINUTES, Round, drill

SEED = 5


@pytest.mark.timeout(900)
async def test_stack_stays_whole_while_it_is_broken() -> None:
    seen: list[Round] = []
    done = await drill(QUICK_MINUTES * 60, SEED, quick=True, report=seen.append)
    assert seen
    assert [(round_.fault.name, round_.failure) for round_ in seen if round_.failure is not None] == []
    assert done.books["balanced"]
