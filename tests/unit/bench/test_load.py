"""Load: varied requests, and refusal of outcomes with failures."""

import json

import pytest
from bench.load import LoadFailed, Request, read_outcome

FIGURES = {"answers": 100, "refused": 0, "broken": 0, "seconds": 2.0, "p50": 0.01, "p99": 0.03}
REQUEST = Request("GET", "http://service/models", {})


def _output(**changes: float) -> str:
    return f"Running 2s test\nRequests/sec: 50\n{json.dumps(FIGURES | changes)}\n"


def test_outcome_has_rate_and_latencies() -> None:
    outcome = read_outcome(_output(), REQUEST)
    assert (outcome.answers, outcome.rate, outcome.p50, outcome.p99) == (100, 50, 0.01, 0.03)


@pytest.mark.parametrize("fault", [{"refused": 1}, {"broken": 1}, {"seconds": 0}])
def test_outcome_with_failures_is_refused(fault: dict[str, int]) -> None:
    with pytest.raises(LoadFailed, match="models"):
        read_outcome(_output(**fault), REQUEST)


def test_request_is_filled_with_key_and_number() -> None:
    request = Request(
        "POST", "http://service/$NUMBER", {"Idempotency-Key": "$KEY"}, "$KEY $NUMBER", range(7, 8)
    )
    assert request.varies
    assert request.fill("k1") == Request("POST", "http://service/7", {"Idempotency-Key": "k1"}, "k1 7")


def test_request_without_placeholders_does_not_vary() -> None:
    assert not Request("GET", "http://service/livez", {}).varies
