"""Budgets: the group that pays travels with each request, and what the command shows of it."""

import json
from datetime import datetime
from typing import Any

import httpx
import pytest
from tests.unit.client.gateway import URL, Caller, Gateway, fresh_tokens, ok
from typer.testing import CliRunner

from farebox import AsyncFarebox, Farebox, MemoryTokenStore
from farebox.command import budgets as command
from farebox.command.app import app

RULE = {
    "id": 4,
    "amount": 20,
    "every": "P1W",
    "starts_at": "2026-11-02T00:00:00",
    "ends_at": None,
    "keeps": 1,
    "stopped": False,
    "next_at": "2026-11-09T00:00:00Z",
    "short_by": 0,
}
POOL = {"kind": "pool", "account": "pool:12", "available": 80, "held": 20, "expires_at": None}
WALLET = {"tokens": 15, "held": 0, "available": 15}


def test_client_of_a_group_names_it_in_every_request(gateway: Gateway) -> None:
    gateway.on("GET", "/v1/me/wallet", ok(WALLET))
    transport = httpx.MockTransport(gateway)
    with Farebox(URL, group=12, store=MemoryTokenStore(fresh_tokens()), transport=transport) as client:
        client.wallet.balance()
    with Farebox(URL, store=MemoryTokenStore(fresh_tokens()), transport=transport) as client:
        client.wallet.balance()
    assert [request.headers.get("Farebox-Group") for request in gateway.requests] == ["12", None]


async def test_asynchronous_client_of_a_group_names_it(gateway: Gateway) -> None:
    gateway.on("GET", "/v1/me/wallet", ok(WALLET))
    store, transport = MemoryTokenStore(fresh_tokens()), httpx.MockTransport(gateway)
    async with AsyncFarebox(URL, group=12, store=store, transport=transport) as client:
        await client.wallet.balance()
    assert gateway.requests[0].headers["Farebox-Group"] == "12"


def test_funds_are_summed(gateway: Gateway, caller: Caller) -> None:
    own = {**POOL, "kind": "own", "account": "wallet:7", "available": 15}
    gateway.on("GET", "/v1/me/funds", ok({"group_id": 12, "payers": [POOL, own], "renews_at": None}))

    funds = caller.run(lambda client: client.budgets.funds(12))

    assert gateway.requests[0].url.params["group_id"] == "12"
    assert funds.available == 95


def test_rule_keeps_local_times_local(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/groups/12/allowance-rules", ok(RULE, 201))
    start = datetime(2026, 11, 2)  # noqa: DTZ001 - a local time of the group

    caller.run(lambda client: client.budgets.add_allowance_rule(12, 20, "P1W", starts_at=start))

    [request] = gateway.requests
    assert json.loads(request.content) == {
        "amount": 20,
        "every": "P1W",
        "starts_at": "2026-11-02T00:00:00",
    }
    assert "Idempotency-Key" in request.headers


def test_limit_names_only_its_scope(gateway: Gateway, caller: Caller) -> None:
    limit = {"id": 1, "amount": 5, "every": None, "context": "challenge:17", "user_id": None}
    gateway.on(
        "POST", "/v1/groups/12/limits", ok({**limit, "api_key_id": None, "starts_at": RULE["starts_at"]})
    )

    caller.run(lambda client: client.budgets.add_limit(12, 5, context="challenge:17"))

    assert json.loads(gateway.requests[0].content) == {"amount": 5, "every": None, "context": "challenge:17"}


def run(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:  # Any: a result of Typer
    def open_client(_url: str | None) -> Farebox:
        store = MemoryTokenStore(fresh_tokens())
        return Farebox(URL, store=store, transport=httpx.MockTransport(gateway))

    monkeypatch.setattr(command, "Farebox", open_client)
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(("word", "group"), [("12", 12), ("own", None)])
def test_use_sets_the_default_payer(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, word: str, group: int | None
) -> None:
    gateway.on("PUT", "/v1/me/payer", ok({"group_id": group}))

    result = run(gateway, monkeypatch, "use", word)

    assert result.exit_code == 0, result.output
    assert json.loads(gateway.requests[0].content) == {"group_id": group}


@pytest.mark.parametrize("word", ["all", "012", "-1"])
def test_use_refuses_what_is_no_group(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    assert run(gateway, monkeypatch, "use", "--", word).exit_code != 0
    assert gateway.requests == []


def test_allow_says_what_the_pool_lacks(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.on("POST", "/v1/groups/12/allowance-rules", ok({**RULE, "short_by": 600}, 201))

    result = run(gateway, monkeypatch, "groups", "allow", "12", "20", "--every", "P1W")

    assert "the pool lacks 600 tokens" in result.stderr


def test_unknown_account_is_refused_before_any_request(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(gateway, monkeypatch, "groups", "pay-from", "12", "pool", "purse")

    assert result.exit_code == 7
    assert "allowance, pool, own" in result.stderr
    assert gateway.requests == []


def test_reason_grants_and_a_card_buys(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = {"group_id": 12, "amount": 100, "available": 100}
    bought = {"amount": 50, "available": 150, "receipt_id": None, "card_brand": "x", "card_last_four": "0000"}
    gateway.on("POST", "/v1/groups/12/grants", ok(granted, 201))
    gateway.on("POST", "/v1/purchases", ok(bought, 201))
    monkeypatch.setenv("FAREBOX_CARD", "1234-5678-9999-0000")

    by_grant = run(gateway, monkeypatch, "groups", "fund", "12", "100", "--reason", "term")
    by_card = run(gateway, monkeypatch, "groups", "fund", "12", "50", "--yes")

    assert "100 tokens now" in by_grant.stderr
    assert "150 tokens now" in by_card.stderr
    assert json.loads(gateway.requests[1].content)["group_id"] == 12
