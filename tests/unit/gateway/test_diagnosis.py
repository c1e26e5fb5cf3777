"""Findings of the gateway: its own, and what it reads from a service's response."""

from ipaddress import ip_address

import httpx
import pytest

from gateway.aggregate.diagnosis import find_entrance, find_metrics, find_rate_limits, read_findings
from kit.findings import Diagnosis, Listener, ok

SENT = 1_000_000.0


def response(ahead: float, duration: float = 0) -> httpx.Response:
    received = SENT + ahead
    diagnosis = Diagnosis(
        received_at=received, answered_at=received + duration, findings=[ok("prices", "In tokens: train 1.")]
    )
    return httpx.Response(200, content=diagnosis.model_dump_json())


@pytest.mark.parametrize(("ahead", "status"), [(0, "ok"), (-30, "warning"), (90, "failed")])
def test_clock_of_a_service_is_compared(ahead: float, status: str) -> None:
    clock, prices = read_findings(response(ahead), SENT, SENT)
    assert (clock.check, clock.status) == ("clock", status)
    assert prices.status == "ok"


def test_duration_of_a_diagnosis_does_not_hide_a_wrong_clock() -> None:
    clock, _ = read_findings(response(-90, duration=200), SENT, SENT + 200)
    assert clock.status == "failed"
    clock, _ = read_findings(response(0, duration=200), SENT, SENT + 200)
    assert clock.status == "ok"


def test_slow_network_is_no_wrong_clock() -> None:
    clock, _ = read_findings(response(ahead=20), SENT, SENT + 20)
    assert clock.status == "ok"


def test_refused_service_token_is_reported_with_the_clock_of_the_header() -> None:
    date = {"Date": "Mon, 12 Jan 1970 13:46:40 GMT"}
    service, clock = read_findings(httpx.Response(401, headers=date), SENT + 600, SENT + 600)
    assert (service.status, clock.status) == ("failed", "failed")
    assert "600 s behind" in clock.detail or "599 s behind" in clock.detail
    assert "SERVICE_SECRET" in (service.advice or "")


@pytest.mark.parametrize(("status", "word"), [(404, "release"), (500, "500"), (200, "not a diagnosis")])
def test_useless_response_of_a_service_is_a_failed_finding(status: int, word: str) -> None:
    (finding,) = read_findings(httpx.Response(status, content=b"{}"), SENT, SENT)
    assert finding.status == "failed"
    assert word in finding.detail


@pytest.mark.parametrize(
    ("host", "has_proxy", "status"),
    [
        ("127.0.0.1", False, "ok"),
        ("0.0.0.0", True, "ok"),  # noqa: S104 - a value to judge
        ("0.0.0.0", False, "warning"),  # noqa: S104 - a value to judge
    ],
)
def test_gateway_beyond_loopback_needs_a_proxy(host: str, has_proxy: bool, status: str) -> None:
    assert find_entrance([Listener(ip_address(host), 8000)], has_proxy=has_proxy).status == status


def test_missing_rate_limits_are_a_warning() -> None:
    assert find_rate_limits(has_policies=False).status == "warning"
    assert find_rate_limits(has_policies=True).status == "ok"


@pytest.mark.parametrize(
    ("host", "port", "in_container", "status"),
    [
        ("0.0.0.0", None, False, "ok"),  # noqa: S104 - a value to judge
        ("127.0.0.1", 9100, False, "ok"),
        ("localhost", 9100, False, "ok"),
        ("0.0.0.0", 9100, True, "ok"),  # noqa: S104 - a value to judge
        ("0.0.0.0", 9100, False, "warning"),  # noqa: S104 - a value to judge
    ],
)
def test_metrics_beyond_loopback_are_a_warning(
    host: str, port: int | None, in_container: bool, status: str
) -> None:
    assert find_metrics(host, port, in_container=in_container).status == status
