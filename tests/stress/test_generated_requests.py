"""Generated requests to every route: no 5xx, and every answer as described; `make fuzz` sends many more."""

import pytest
from tests.fuzz.targets import fuzz
from tests.support.stack import running_stack

SECONDS_EACH = 12
FEWEST = 500


@pytest.mark.timeout(600)
def test_generated_requests_get_described_answers() -> None:
    with running_stack() as stack:
        outcomes = list(fuzz(stack, SECONDS_EACH))
    assert sum(outcome.requests for outcome in outcomes) >= FEWEST
    assert not [outcome.report for outcome in outcomes if outcome.report]
