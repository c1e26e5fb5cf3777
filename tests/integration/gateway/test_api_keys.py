"""API keys at the gateway: exchange, cache and revocation."""

import asyncio

from tests.integration.gateway.conftest import RunningGateway, StartGateway
from tests.integration.gateway.upstream import FakeUpstream
from tests.support.tokens import access_token

KEY = "fbx_0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}


def register_key(upstream: FakeUpstream, generation: int = 0) -> str:
    token = access_token(7, generation=generation, api_key={"id": 3, "scopes": ["read"], "cap": None})
    upstream.api_keys[KEY] = token
    return token


async def test_upstream_receives_the_token_of_the_api_key(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    token = register_key(upstream)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200
    authorizations = [value for name, value in upstream.requests[-1]["headers"] if name == "authorization"]  # pyright: ignore
    assert authorizations == [f"Bearer {token}"]


async def test_concurrent_first_requests_share_one_exchange(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    register_key(upstream)
    responses = await asyncio.gather(
        *(gateway.client.get("/v1/me/wallet", headers=HEADERS) for _ in range(20))
    )
    assert {response.status_code for response in responses} == {200}
    assert upstream.exchanged_keys == [KEY]


async def test_revoked_key_is_refused_while_its_token_is_cached(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    register_key(upstream)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200
    upstream.revocations.append({"api_key_id": 3})
    del upstream.api_keys[KEY]
    async with asyncio.timeout(5):
        refused = await gateway.client.get("/v1/me/wallet", headers=HEADERS)
        while refused.status_code == 200:
            await asyncio.sleep(0.05)
            refused = await gateway.client.get("/v1/me/wallet", headers=HEADERS)
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"


async def test_key_whose_cached_token_is_revoked_is_exchanged_again(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    register_key(upstream)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200
    upstream.revocations.append({"user_id": 7, "generation": 1})
    register_key(upstream, generation=1)
    async with asyncio.timeout(5):
        while len(upstream.exchanged_keys) < 2:
            await asyncio.sleep(0.05)
            assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200


async def test_new_key_works_after_a_failed_exchange(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 401
    register_key(upstream)
    assert (await gateway.client.get("/v1/me/wallet", headers=HEADERS)).status_code == 200


async def test_unknown_keys_are_rate_limited_by_address(start: StartGateway, upstream: FakeUpstream) -> None:
    gateway = await start(farebox_rate_limits="api_key=3/60")
    guesses = [{"Authorization": f"Bearer fbx_guess{number}"} for number in range(5)]
    responses = [await gateway.client.get("/v1/me/wallet", headers=guess) for guess in guesses]
    assert [response.status_code for response in responses] == [401, 401, 401, 429, 429]
    assert len(upstream.exchanged_keys) == 3


async def test_overlong_key_is_refused_without_exchange(
    gateway: RunningGateway, upstream: FakeUpstream
) -> None:
    refused = await gateway.client.get("/v1/me", headers={"Authorization": f"Bearer fbx_{'x' * 5000}"})
    assert refused.status_code == 401
    assert upstream.exchanged_keys == []
