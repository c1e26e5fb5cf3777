"""API keys at the gateway: exchanged, kept, revoked."""

import asyncio

from tests.integration.gateway.conftest import Running, Start
from tests.integration.gateway.upstream import Sibling
from tests.support.tokens import access_token

KEY = "fbx_0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}


def know(sibling: Sibling) -> str:
    token = access_token(7, api_key={"id": 3, "scopes": ["read"], "cap": None})
    sibling.api_keys[KEY] = token
    return token


async def test_the_service_gets_the_token_that_stands_for_the_key(gateway: Running, sibling: Sibling) -> None:
    token = know(sibling)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200
    authorizations = [value for name, value in sibling.seen[-1]["headers"] if name == "authorization"]  # pyright: ignore
    assert authorizations == [f"Bearer {token}"]


async def test_twenty_first_requests_at_once_cause_one_exchange(gateway: Running, sibling: Sibling) -> None:
    know(sibling)
    answers = await asyncio.gather(*(gateway.client.get("/v1/me/wallet", headers=HEADERS) for _ in range(20)))
    assert {each.status_code for each in answers} == {200}
    assert sibling.exchanged == [KEY]


async def test_a_key_that_is_revoked_dies_while_its_token_is_kept(gateway: Running, sibling: Sibling) -> None:
    know(sibling)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200
    sibling.revocations.append({"api_key_id": 3})
    del sibling.api_keys[KEY]
    async with asyncio.timeout(5):
        refused = await gateway.client.get("/v1/me/wallet", headers=HEADERS)
        while refused.status_code == 200:
            await asyncio.sleep(0.05)
            refused = await gateway.client.get("/v1/me/wallet", headers=HEADERS)
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"


async def test_a_key_that_becomes_good_works_at_once(gateway: Running, sibling: Sibling) -> None:
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 401
    know(sibling)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200


async def test_guessing_keys_is_limited_by_address(start: Start, sibling: Sibling) -> None:
    gateway = await start(farebox_rate_limits="api_key=3/60")
    guesses = [{"Authorization": f"Bearer fbx_guess{number}"} for number in range(5)]
    answers = [await gateway.client.get("/v1/me/wallet", headers=each) for each in guesses]
    assert [each.status_code for each in answers] == [401, 401, 401, 429, 429]
    assert len(sibling.exchanged) == 3


async def test_a_key_that_is_far_too_long_is_not_asked_about(gateway: Running, sibling: Sibling) -> None:
    refused = await gateway.client.get("/v1/me", headers={"Authorization": f"Bearer fbx_{'x' * 5000}"})
    assert refused.status_code == 401
    assert sibling.exchanged == []
