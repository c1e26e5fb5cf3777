"""Groups: requests of both clients, and what the command does with a roster's difference."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.client.gateway import URL, Caller, Gateway, fresh_tokens, ok
from typer.testing import CliRunner

from farebox import Farebox, MemoryTokenStore
from farebox.command import groups as command
from farebox.command.app import app
from farebox.errors import InvalidArgument

ROSTER = "/v1/groups/12/roster"
CSV = b"external_id,name\n17,Ada\n18,Bob\n"
SEAT = {"external_id": "17", "account": None, "name": "Ada", "role": "member", "section": ""}
CODE = {
    "id": 3,
    "code": "7XQ2M-0ZRTA",
    "only_roster": True,
    "personal": False,
    "max_uses": 30,
    "uses": 0,
    "expires_at": "2026-12-01T08:00:00Z",
}


def diff(**changes: object) -> httpx.Response:
    body: dict[str, object] = {
        "applied": False,
        "added": [SEAT],
        "changed": [],
        "unchanged": 4,
        "missing": ["19"],
        "errors": [],
    }
    return ok(body | changes, ETag='"v1"')


def test_roster_is_applied_to_the_version_that_was_compared(gateway: Gateway, caller: Caller) -> None:
    gateway.on("PUT", ROSTER, diff())
    compared = caller.run(lambda client: client.groups.compare_roster(12, CSV))
    gateway.on("PUT", ROSTER, diff(applied=True))
    applied = caller.run(lambda client: client.groups.apply_roster(12, CSV, compared, personal_codes=True))

    first, second = gateway.requests
    assert (compared.added[0].name, compared.missing, compared.version) == ("Ada", ["19"], '"v1"')
    assert applied.applied
    assert "If-Match" not in first.headers
    assert dict(first.url.params) == {"remove_missing": "false"}
    assert second.headers["If-Match"] == '"v1"'
    assert second.headers["Content-Type"] == "text/csv"
    assert dict(second.url.params) == {"apply": "true", "remove_missing": "false", "personal_codes": "true"}
    assert first.content == second.content == CSV


def test_roster_may_be_a_path(gateway: Gateway, caller: Caller, tmp_path: Path) -> None:
    file = tmp_path / "roster.csv"
    file.write_bytes(CSV)
    gateway.on("PUT", ROSTER, diff())

    caller.run(lambda client: client.groups.compare_roster(12, file, remove_missing=True))

    [request] = gateway.requests
    assert request.content == CSV
    assert request.url.params["remove_missing"] == "true"
    with pytest.raises(InvalidArgument, match="cannot be read"):
        caller.run(lambda client: client.groups.compare_roster(12, tmp_path / "none.csv"))


def test_join_code_says_only_what_was_chosen(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/groups/12/join-codes", ok(CODE, 201))
    end = datetime(2026, 12, 1, 8, tzinfo=UTC)

    caller.run(lambda client: client.groups.create_join_code(12))
    caller.run(
        lambda client: client.groups.create_join_code(12, expires_at=end, max_uses=30, only_roster=True)
    )

    bodies = [json.loads(request.content) for request in gateway.requests]
    assert bodies == [
        {"only_roster": False},
        {"only_roster": True, "max_uses": 30, "expires_at": "2026-12-01T08:00:00+00:00"},
    ]
    assert all("Idempotency-Key" in request.headers for request in gateway.requests)


def test_change_sends_only_what_changes(gateway: Gateway, caller: Caller) -> None:
    group = {"id": 12, "name": "Lab", "kind": "lab", "time_zone": "UTC", "state": "archived", "role": "owner"}
    gateway.on("PATCH", "/v1/groups/12", ok(group))

    changed = caller.run(lambda client: client.groups.change(12, state="archived"))

    assert changed.state == "archived"
    assert json.loads(gateway.requests[0].content) == {"state": "archived"}


def run(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:  # Any: a result of Typer
    def open_client(_url: str | None) -> Farebox:
        store = MemoryTokenStore(fresh_tokens())
        return Farebox(URL, store=store, transport=httpx.MockTransport(gateway))

    monkeypatch.setattr(command, "Farebox", open_client)
    return CliRunner().invoke(app, ["groups", *words])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "roster.csv"
    path.write_bytes(CSV)
    return str(path)


def test_command_shows_the_difference_and_writes_it_once_confirmed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    gateway.on("PUT", ROSTER, diff(), diff(applied=True))

    result = run(gateway, monkeypatch, "roster", "12", file, "--yes")

    assert result.exit_code == 0, result.output
    assert "+ 17 Ada" in result.stderr
    assert "- 19" in result.stderr
    assert "1 added, 0 changed, 4 unchanged, 1 not in the file." in result.stderr
    assert [request.url.params.get("apply") for request in gateway.requests] == [None, "true"]


def test_command_writes_nothing_without_a_confirmation(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    gateway.on("PUT", ROSTER, diff())

    result = run(gateway, monkeypatch, "roster", "12", file)

    assert result.exit_code != 0
    assert len(gateway.requests) == 1


def test_command_shows_each_invalid_line_and_writes_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    faults = [{"line": 3, "column": "name", "detail": "'name' must not be empty."}]
    gateway.on("PUT", ROSTER, diff(errors=faults))

    result = run(gateway, monkeypatch, "roster", "12", file, "--yes")

    assert result.exit_code == 7
    assert "line 3: 'name' must not be empty." in result.stderr
    assert len(gateway.requests) == 1


def test_command_reports_a_file_that_cannot_be_read(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(gateway, monkeypatch, "roster", "12", str(tmp_path / "none.csv"))

    assert result.exit_code == 7
    assert "cannot be read" in result.stderr
    assert gateway.requests == []


def test_command_prints_the_code_alone(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("POST", "/v1/groups/12/join-codes", ok(CODE, 201))

    result = run(gateway, monkeypatch, "code", "12", "--max-uses", "30", "--only-roster")

    assert result.stdout == "7XQ2M-0ZRTA\n"
    assert json.loads(gateway.requests[0].content) == {"only_roster": True, "max_uses": 30}
