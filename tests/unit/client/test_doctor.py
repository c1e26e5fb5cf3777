"""`farebox doctor`: the checks and their findings, and those of the services with --server."""

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
import typer
from tests.unit.client.gateway import IMPATIENT, URL, Gateway, fresh_tokens, ok, problem
from tests.unit.client.samples import NOW
from typer.testing import CliRunner, Result

from farebox import Farebox, MemoryTokenStore, Tokens
from farebox.command.doctor import Finding, examine, show_installation
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson

ADA = {
    "id": 1,
    "name": "ada@example.org",
    "display_name": None,
    "role": "user",
    "disabled": False,
    "created_at": NOW,
}


def findings(gateway: Gateway, tokens: Tokens | None = None) -> dict[str, Finding]:
    store = MemoryTokenStore(tokens)
    transport = httpx.MockTransport(gateway)
    with Farebox(URL, store=store, retries=IMPATIENT, transport=transport) as client:
        return {finding.check: finding for finding in examine(client)}


def ready(skew: float = 0) -> httpx.Response:
    time = format_datetime(datetime.now(UTC) - timedelta(seconds=skew), usegmt=True)
    return ok({"status": "ready"}, Date=time)


def test_healthy_system_has_no_findings(gateway: Gateway) -> None:
    gateway.on("GET", "/readyz", ready())
    gateway.on("GET", "/v1/me", ok(ADA))

    by_check = findings(gateway, fresh_tokens())

    assert {finding.code for finding in by_check.values()} == {0}
    assert "ada@example.org" in by_check["login"].found


def test_unreachable_service_ends_examination(gateway: Gateway) -> None:
    gateway.on("GET", "/readyz", httpx.ConnectError("refused"))

    by_check = findings(gateway)

    assert by_check["service"].code == 5
    assert "login" not in by_check


def test_clock_skew_is_reported(gateway: Gateway) -> None:
    gateway.on("GET", "/readyz", ready(skew=600))

    clock = findings(gateway)["clock"]

    assert clock.code == 1
    assert re.search("60[01] s ahead", clock.found)


def test_missing_login_is_reported_with_command(gateway: Gateway) -> None:
    gateway.on("GET", "/readyz", ready())

    login = findings(gateway)["login"]

    assert login.code == 3
    assert "farebox login" in login.found


def test_ended_login_is_reported(gateway: Gateway) -> None:
    gateway.on("GET", "/readyz", ready())
    gateway.on("GET", "/v1/me", problem(401, "unauthenticated"))
    gateway.on("POST", "/v1/sessions/refresh", problem(401, "refresh_token_invalid"))

    assert findings(gateway, fresh_tokens())["login"].code == 3


def finding(status: str, advice: str | None = None) -> dict[str, object]:
    return {
        "service": "ml-service",
        "check": "clock",
        "status": status,
        "detail": "It is 90 s behind.",
        "advice": advice,
    }


def show(gateway: Gateway, *words: str) -> Result:
    """Run the part of the command that checks the services, with this gateway."""
    app = typer.Typer()

    @app.command()
    @handle_errors
    def doctor(as_json: AsJson = False) -> None:
        store = MemoryTokenStore(fresh_tokens())
        transport = httpx.MockTransport(gateway)
        with Farebox(URL, store=store, retries=IMPATIENT, transport=transport) as client:
            show_installation(client, as_json=as_json)

    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("warning", 0), ("failed", 1)])
def test_failed_check_of_a_service_is_exit_code_1(gateway: Gateway, status: str, code: int) -> None:
    found = {"status": status, "findings": [finding("ok"), finding(status, "Set the clock.")]}
    gateway.on("GET", "/v1/diagnosis", ok(found))

    result = show(gateway)

    assert result.exit_code == code
    assert ("ml-service: clock" in result.stderr) == (status == "failed")
    for text in (status, "ml-service", "90 s behind", "Set the clock."):
        assert text in result.stdout


def test_findings_of_services_are_json_on_request(gateway: Gateway) -> None:
    found = {"status": "failed", "findings": [finding("failed", "Set the clock.")]}
    gateway.on("GET", "/v1/diagnosis", ok(found))

    result = show(gateway, "--json")

    assert json.loads(result.stdout) == found
    assert result.exit_code == 1


def test_user_may_not_check_the_services(gateway: Gateway) -> None:
    gateway.on("GET", "/v1/diagnosis", problem(403, "forbidden"))

    assert show(gateway).exit_code == 8
