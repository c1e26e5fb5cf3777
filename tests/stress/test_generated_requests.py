"""Generated requests to every route: no 5xx, and every answer as described; `make fuzz` sends many more."""

import json
from collections import Counter

import pytest
from tests.fuzz.links import BODIES, PARAMETERS, add_links
from tests.fuzz.targets import Target, fuzz, has_failed
from tests.support.stack import PROJECT, running_stack

# A busy machine answers five requests a second.
SECONDS = 90
REQUESTS = 300


@pytest.mark.timeout(900)
def test_generated_requests_get_described_answers() -> None:
    with running_stack() as stack:
        targets = fuzz(stack, SECONDS, REQUESTS)
    reports = [report for target in targets for report in target.reports]
    assert not reports, "\n".join(reports)
    assert not [target.name for target in targets if not target.requests]
    assert not has_failed(targets, REQUESTS)


@pytest.mark.parametrize(
    ("sent", "reports", "failed"), [(10, [], False), (9, [], True), (10, ["a server error"], True)]
)
def test_fuzzing_fails_for_a_wrong_answer_or_too_few_requests(
    sent: int, reports: list[str], failed: bool
) -> None:
    answers = Counter({"GET /v1/me 200": sent})
    assert has_failed([Target("gateway", "/openapi.json", "token", answers, reports)], 10) == failed


def test_links_lead_to_operations_of_the_published_document() -> None:
    document = json.loads((PROJECT / "docs" / "openapi.json").read_text())
    wanted = sum(len(sinks) for _, _, sinks in PARAMETERS.values()) + len(BODIES)
    assert add_links(document) == wanted
