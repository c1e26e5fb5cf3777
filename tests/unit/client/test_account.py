"""The logged-in account: requests of its operations."""

import json

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway


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
