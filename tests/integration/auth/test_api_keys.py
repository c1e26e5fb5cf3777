"""API keys and their exchange for access tokens."""

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import jwt
import pytest
from tests.integration.auth.groups import create_group, member_of
from tests.integration.auth.service import (
    ADA,
    PASSWORD,
    Json,
    Service,
    admin_bearer,
    at_once,
    bearer_of,
    code_of,
    register,
)
from tests.support.tokens import JWT_SECRET, service_bearer

from auth_service.api_keys.service import MAX_API_KEYS


async def create(client: httpx.AsyncClient, own: dict[str, str], **fields: object) -> Json:
    response = await client.post("/v1/api-keys", json={"name": "job"} | fields, headers=own)
    assert response.status_code == 201, response.text
    return response.json()


async def exchange(client: httpx.AsyncClient, api_key: str) -> httpx.Response:
    headers = service_bearer("auth-service", "gateway")
    return await client.post("/internal/api-keys/exchange", json={"api_key": api_key}, headers=headers)


async def test_key_is_shown_once_and_stored_as_a_digest(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    assert key["api_key"].startswith("fbx_")
    assert key["api_key"].startswith(key["prefix"])
    assert len(key["prefix"]) == 12
    listed = await client.get("/v1/api-keys", headers=own)
    assert key["api_key"] not in listed.text
    assert key["api_key"] not in str(await sql.fetch("SELECT * FROM auth.api_keys"))
    assert key["api_key"] not in str(await sql.fetch("SELECT * FROM auth.idempotency_keys"))


async def test_exchanged_token_contains_scopes_and_cap_of_the_key(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    key = await create(client, await bearer_of(client), scopes=["predict"], token_cap=7)
    response = (await exchange(client, key["api_key"])).json()
    assert response["expires_in"] == 120
    claims = jwt.decode(response["access_token"], JWT_SECRET, algorithms=["HS256"], audience="farebox")
    assert claims["sub"] == str(user_id)
    assert claims["api_key"] == {"id": key["id"], "scopes": ["predict"], "cap": 7}
    assert "sid" not in claims


async def test_key_of_a_group_names_it_in_its_tokens(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    group = await create_group(client, own)
    key = await create(client, own, group_id=group["id"])
    assert key["group_id"] == group["id"]
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    claims = jwt.decode(token, JWT_SECRET, algorithms=["HS256"], audience="farebox")
    assert claims["group_id"] == group["id"]


async def test_key_of_anothers_group_is_refused(client: httpx.AsyncClient) -> None:
    await register(client)
    group = await create_group(client, await bearer_of(client))
    _, stranger = await member_of(client, "eve@example.org")
    body = {"name": "job", "group_id": group["id"]}
    response = await client.post("/v1/api-keys", json=body, headers=stranger)
    assert (response.status_code, code_of(response)) == (404, "group_not_found")
    assert (await client.get("/v1/api-keys", headers=stranger)).json()["items"] == []


async def test_exchanged_token_reads_but_cannot_manage_accounts(client: httpx.AsyncClient) -> None:
    await register(client)
    key = await create(client, await bearer_of(client))
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/v1/me", headers=headers)).status_code == 200
    assert (await client.post("/v1/api-keys", json={"name": "x"}, headers=headers)).status_code == 403


async def test_api_key_of_admin_has_no_admin_rights(client: httpx.AsyncClient) -> None:
    key = await create(client, await admin_bearer(client))
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    response = await client.delete("/v1/users/1", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 403


async def test_exchanged_token_expires_no_later_than_its_key(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    key = await create(client, await bearer_of(client), expires_in_days=1)
    await sql.execute("UPDATE auth.api_keys SET expires_at = $1", datetime.now(UTC) + timedelta(seconds=30))
    assert (await exchange(client, key["api_key"])).json()["expires_in"] <= 30
    await sql.execute("UPDATE auth.api_keys SET expires_at = now()")
    assert code_of(await exchange(client, key["api_key"])) == "api_key_invalid"


async def test_unknown_key_is_refused(client: httpx.AsyncClient) -> None:
    response = await exchange(client, "fbx_unknown")
    assert (response.status_code, code_of(response)) == (401, "api_key_invalid")


async def test_disabled_users_key_is_refused(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    key = await create(client, await bearer_of(client))
    await client.patch(f"/v1/users/{user_id}", json={"disabled": True}, headers=await admin_bearer(client))
    assert (await exchange(client, key["api_key"])).status_code == 401


async def test_revoked_key_and_its_tokens_are_refused(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    assert (await client.delete(f"/v1/api-keys/{key['id']}", headers=own)).status_code == 204
    assert (await exchange(client, key["api_key"])).status_code == 401
    response = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert (await client.get("/v1/api-keys", headers=own)).json()["items"] == []


async def test_another_users_key_is_not_found(client: httpx.AsyncClient) -> None:
    await register(client)
    await register(client, "bob")
    key = await create(client, await bearer_of(client))
    bob = await bearer_of(client, "bob")
    response = await client.delete(f"/v1/api-keys/{key['id']}", headers=bob)
    assert (response.status_code, code_of(response)) == (404, "api_key_not_found")
    assert (await client.get("/v1/api-keys", headers=bob)).json()["items"] == []
    assert (await exchange(client, key["api_key"])).status_code == 200


async def test_list_shows_the_last_use(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    assert (await client.get("/v1/api-keys", headers=own)).json()["items"][0]["last_used_at"] is None
    await exchange(client, key["api_key"])
    assert (await client.get("/v1/api-keys", headers=own)).json()["items"][0]["last_used_at"] is not None


async def test_number_of_keys_is_limited_also_for_concurrent_requests(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    await sql.execute(
        "INSERT INTO auth.api_keys (user_id, name, digest, prefix, scopes)"
        " SELECT $1, 'job', number::text::bytea, 'fbx_', '{read}' FROM generate_series(1, $2) AS number",
        user_id,
        MAX_API_KEYS - 1,
    )
    request = {"name": "job"}
    creating = [client.post("/v1/api-keys", json=request, headers=own) for _ in range(4)]
    assert await at_once(*creating) == [201, 409, 409, 409]
    response = await client.post("/v1/api-keys", json=request, headers=own)
    assert code_of(response) == "too_many_api_keys"


async def test_revocation_is_stored_for_the_life_of_the_keys_tokens_only(
    service: Service, sql: asyncpg.Connection
) -> None:
    client = service.client
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    await client.delete(f"/v1/api-keys/{key['id']}", headers=own)
    left = "SELECT expires_at - now() FROM auth.revocations WHERE api_key_id IS NOT NULL"
    assert timedelta(minutes=5) < await sql.fetchval(left) < timedelta(minutes=10)


async def test_list_is_paginated_newest_first(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    created = [(await create(client, own))["id"] for _ in range(5)]
    listed, token = [], ""
    for _ in range(3):
        params = {"page_size": "2"} | ({"page_token": token} if token else {})
        page = (await client.get("/v1/api-keys", params=params, headers=own)).json()
        listed += [key["id"] for key in page["items"]]
        token = page["next_page_token"]
    assert listed == created[::-1]
    assert token is None


@pytest.mark.parametrize(("choice", "status"), [({}, 200), ({"revoke_api_keys": True}, 401)])
async def test_password_change_revokes_api_keys_on_request(
    client: httpx.AsyncClient, choice: Json, status: int
) -> None:
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    body = {"current_password": PASSWORD, "new_password": "another sentence", **choice}
    assert (await client.put("/v1/me/password", json=body, headers=own)).status_code == 204
    assert (await exchange(client, key["api_key"])).status_code == status


async def test_own_reset_of_the_course_api_keeps_api_keys(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    key = await create(client, own)
    body = {"email": ADA, "new_password": "1234"}
    assert (await client.post("/user/reset_password", json=body, headers=own)).status_code == 200
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    response = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200


@pytest.mark.parametrize("dialect", ["/v1", "course"])
async def test_reset_by_an_administrator_revokes_api_keys_and_their_tokens(
    client: httpx.AsyncClient, dialect: str
) -> None:
    user_id = await register(client)
    key = await create(client, await bearer_of(client))
    token = (await exchange(client, key["api_key"])).json()["access_token"]
    kept = await create(client, await admin_bearer(client))
    body, administrator = {"new_password": "another sentence"}, await admin_bearer(client)
    if dialect == "/v1":
        reset = await client.put(f"/v1/users/{user_id}/password", json=body, headers=administrator)
    else:
        path, body = f"/admin/users/{user_id}/reset_password", body | {"email": ADA}
        reset = await client.post(path, json=body, headers=administrator)
    assert reset.is_success
    assert (await exchange(client, key["api_key"])).status_code == 401
    response = await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401
    assert (await exchange(client, kept["api_key"])).status_code == 200


@pytest.mark.parametrize(
    "invalid",
    [
        {"name": ""},
        {"name": "x" * 101},
        {"name": "\x00"},
        {"scopes": []},
        {"scopes": ["admin"]},
        {"scopes": "read"},
        {"token_cap": 0},
        {"token_cap": True},
        {"token_cap": 1.5},
        {"token_cap": 10**30},
        {"expires_in_days": 0},
        {"expires_in_days": 10**9},
        {"expires_in_days": "7"},
        {"more": 1},
    ],
)
async def test_invalid_key_requests_are_refused(client: httpx.AsyncClient, invalid: Json) -> None:
    body = {"name": "job"} | invalid
    response = await client.post("/v1/api-keys", json=body, headers=await admin_bearer(client))
    assert response.status_code == 422
