"""Access to each route for anonymous callers, users, API keys and services."""

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import admin_bearer, bearer_of, code_of, register
from tests.support.tokens import bearer, service_bearer

OWN = [
    ("GET", "/v1/me", None),
    ("PATCH", "/v1/me", {"display_name": "x"}),
    ("DELETE", "/v1/me", None),
    ("PUT", "/v1/me/password", {"current_password": "x", "new_password": "a long sentence"}),
    ("GET", "/v1/me/export", None),
    ("DELETE", "/v1/sessions/current", None),
    ("POST", "/v1/api-keys", {"name": "job"}),
    ("GET", "/v1/api-keys", None),
    ("DELETE", "/v1/api-keys/1", None),
    ("POST", "/v1/groups", {"name": "Statistics", "kind": "class", "time_zone": "UTC"}),
    ("GET", "/v1/groups", None),
    ("GET", "/v1/groups/1", None),
    ("PATCH", "/v1/groups/1", {"name": "Statistics 2"}),
    ("DELETE", "/v1/groups/1", None),
    ("GET", "/v1/groups/1/members", None),
    ("PATCH", "/v1/groups/1/members/me", {"alias": "Falcon"}),
    ("DELETE", "/v1/groups/1/members/me", None),
    ("PATCH", "/v1/groups/1/members/1", {"role": "member"}),
    ("DELETE", "/v1/groups/1/members/1", None),
    ("POST", "/v1/groups/1/join-codes", {}),
    ("GET", "/v1/groups/1/join-codes", None),
    ("DELETE", "/v1/groups/1/join-codes/1", None),
    ("GET", "/v1/groups/1/roster", None),
    ("PUT", "/v1/groups/1/roster", "external_id,name"),
    ("POST", "/v1/memberships", {"code": "00000-00000"}),
    ("POST", "/user/reset_password", {"email": "ada@example.org", "new_password": "1234"}),
]
FOR_ADMINS = [
    ("PATCH", "/v1/users/1", {"role": "admin"}),
    ("DELETE", "/v1/users/1", None),
    ("PUT", "/v1/users/1/password", {"new_password": "a long sentence"}),
    ("DELETE", "/user/remove_user", {"user_id": 1}),
    ("POST", "/admin/users/1/reset_password", {"email": "admin@farebox.local", "new_password": "1234"}),
    ("DELETE", "/admin/users/1", None),
]
FOR_SERVICES = [
    ("GET", "/internal/trust", None),
    ("GET", "/internal/diagnosis", None),
    ("POST", "/internal/api-keys/exchange", {"api_key": "fbx_x"}),
]
Case = tuple[str, str, object]


async def status(client: httpx.AsyncClient, case: Case, headers: dict[str, str] | None = None) -> int:
    method, path, body = case
    return (await client.request(method, path, json=body, headers=headers)).status_code


@pytest.mark.parametrize("case", OWN + FOR_ADMINS + FOR_SERVICES, ids=lambda case: f"{case[0]} {case[1]}")
async def test_request_without_a_token_is_unauthenticated(client: httpx.AsyncClient, case: Case) -> None:
    method, path, body = case
    response = await client.request(method, path, json=body)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("case", OWN, ids=lambda case: f"{case[0]} {case[1]}")
async def test_token_of_an_account_that_was_just_deleted_elsewhere_is_unauthenticated(
    client: httpx.AsyncClient, sql: asyncpg.Connection, case: Case
) -> None:
    await register(client)
    own = await bearer_of(client)
    await sql.execute("DELETE FROM auth.users WHERE name = 'ada@example.org'")
    expected = {"DELETE /v1/sessions/current": 204, "GET /v1/api-keys": 200, "DELETE /v1/api-keys/1": 404}
    expected |= {"GET /v1/groups": 200, "POST /v1/groups": 401}
    is_of_a_group = case[1].startswith(("/v1/groups/", "/v1/memberships"))
    assert await status(client, case, own) == expected.get(
        f"{case[0]} {case[1]}", 404 if is_of_a_group else 401
    )


@pytest.mark.parametrize("case", FOR_ADMINS, ids=lambda case: f"{case[0]} {case[1]}")
async def test_user_is_refused_on_administrators_routes(client: httpx.AsyncClient, case: Case) -> None:
    await register(client)
    assert await status(client, case, await bearer_of(client)) == 403
    await admin_bearer(client)


READ_BY_API_KEYS = ("/v1/me", "/v1/groups", "/v1/groups/1", "/v1/groups/1/members")
CLOSED_TO_API_KEYS = [case for case in OWN if case[0] != "GET" or case[1] not in READ_BY_API_KEYS]


@pytest.mark.parametrize("case", CLOSED_TO_API_KEYS + FOR_ADMINS, ids=lambda case: f"{case[0]} {case[1]}")
async def test_api_key_cannot_manage_accounts(client: httpx.AsyncClient, case: Case) -> None:
    key = {"id": 1, "scopes": ["read", "train", "predict"], "cap": None}
    assert await status(client, case, bearer(1, role="admin", api_key=key)) == 403


@pytest.mark.parametrize("case", FOR_SERVICES, ids=lambda case: f"{case[0]} {case[1]}")
async def test_internal_route_refuses_a_users_token(client: httpx.AsyncClient, case: Case) -> None:
    assert await status(client, case, await admin_bearer(client)) == 401


@pytest.mark.parametrize("case", FOR_SERVICES, ids=lambda case: f"{case[0]} {case[1]}")
async def test_internal_route_refuses_a_token_for_another_service(
    client: httpx.AsyncClient, case: Case
) -> None:
    assert await status(client, case, service_bearer("billing-service")) == 401


@pytest.mark.parametrize("user_id", ["0", "-1", "9223372036854775808", "x", "1.5", "%00"])
async def test_invalid_user_id_is_refused(client: httpx.AsyncClient, user_id: str) -> None:
    response = await client.delete(f"/v1/users/{user_id}", headers=await admin_bearer(client))
    assert (response.status_code, code_of(response)) == (422, "invalid_input")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_unknown_user_is_not_found(client: httpx.AsyncClient, method: str) -> None:
    body = {"role": "user"} if method == "PATCH" else None
    assert await status(client, (method, "/v1/users/4711", body), await admin_bearer(client)) == 404


@pytest.mark.parametrize(
    "token",
    ["", "x", "a.b.c", "fbx_abc", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "\xe9"],
)
async def test_malformed_token_is_unauthenticated(client: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    assert (await client.get("/v1/me", headers=headers)).status_code == 401
