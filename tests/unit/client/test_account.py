"""Accounts: requests that change passwords and create users."""

import json

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok


@pytest.mark.parametrize(
    ("choice", "sent"), [({}, {}), ({"revoke_api_keys": True}, {"revoke_api_keys": True})]
)
def test_password_change_revokes_api_keys_on_request(
    gateway: Gateway, caller: Caller, choice: dict[str, bool], sent: dict[str, bool]
) -> None:
    gateway.on("PUT", "/v1/me/password", httpx.Response(204))

    caller.run(lambda client: client.me.change_password("the old one", "the new one", **choice))

    [request] = gateway.requests
    assert json.loads(request.content) == {
        "current_password": "the old one",
        "new_password": "the new one",
        **sent,
    }


def test_administrator_creates_a_user_with_the_own_login(gateway: Gateway, caller: Caller) -> None:
    user = {
        "id": 7,
        "name": "bob",
        "display_name": None,
        "role": "user",
        "disabled": False,
        "created_at": "2026-11-01T08:00:00Z",
    }
    gateway.on("POST", "/v1/users", ok(user))

    created = caller.run(lambda client: client.admin.create_user("bob", "a good password"))

    [request] = gateway.requests
    assert created.name == "bob"
    assert request.headers["Authorization"] == "Bearer access-1"
    assert json.loads(request.content) == {"name": "bob", "password": "a good password"}
