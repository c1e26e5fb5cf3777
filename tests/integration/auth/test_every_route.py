"""Properties of every route: ids are decimal numbers, answers are not stored, long texts cost nothing."""

import functools
import re
import time
import unicodedata
from collections.abc import Callable

import asyncpg
import httpx
import pytest
from fastapi.routing import APIRoute
from tests.integration.auth.service import (
    ADA,
    ADMIN,
    PASSWORD,
    admin_bearer,
    bearer_of,
    code_of,
    register,
)
from tests.support.tokens import service_bearer

from auth_service.main import ROUTERS
from auth_service.passwords.hashing import VERIFICATIONS

ID = "{id}"
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Valid bodies of all routes whose path contains an id.
WITH_ID_IN_PATH = {
    ("PATCH", "/v1/users/{user_id}"): {"role": "admin"},
    ("DELETE", "/v1/users/{user_id}"): None,
    ("PUT", "/v1/users/{user_id}/password"): {"new_password": "another sentence"},
    ("DELETE", "/v1/api-keys/{key_id}"): None,
    ("GET", "/v1/groups/{group_id}"): None,
    ("PATCH", "/v1/groups/{group_id}"): {"name": "Statistics"},
    ("DELETE", "/v1/groups/{group_id}"): None,
    ("GET", "/v1/groups/{group_id}/members"): None,
    ("PATCH", "/v1/groups/{group_id}/members/me"): {"alias": "Falcon"},
    ("DELETE", "/v1/groups/{group_id}/members/me"): None,
    ("PATCH", "/v1/groups/{group_id}/members/{user_id}"): {"role": "member"},
    ("DELETE", "/v1/groups/{group_id}/members/{user_id}"): None,
    ("POST", "/v1/groups/{group_id}/join-codes"): {},
    ("GET", "/v1/groups/{group_id}/join-codes"): None,
    ("DELETE", "/v1/groups/{group_id}/join-codes/{code_id}"): None,
    ("GET", "/v1/groups/{group_id}/roster"): None,
    ("PUT", "/v1/groups/{group_id}/roster"): "external_id,name",
    ("POST", "/admin/users/{user_id}/reset_password"): {"email": ADA, "new_password": "1234"},
    ("DELETE", "/admin/users/{user_id}"): None,
}
OTHER_WRITINGS = [
    *(f"{ID}.0", f"%2B{ID}", f"%20{ID}", f"{ID}%20", f"0{ID}", f"-{ID}", f"{ID}e0", f"{ID}_0", f"0x{ID}"),
    *("%EF%BC%97", "%D9%A7", "%00", "0", "x", "true", "9223372036854775808", "7" * 5000),
]
PUBLIC = {"/.well-known/jwks.json"}
ROUTES_WITH_A_PASSWORD = [
    ("POST", "/v1/users", "name", "password"),
    ("POST", "/v1/sessions", "name", "password"),
    ("POST", "/user/create", "email", "pwd"),
    ("POST", "/user/login", "email", "pwd"),
    ("POST", "/signup", "username", "password"),
    ("POST", "/login", "username", "password"),
    ("DELETE", "/remove_user", "username", "password"),
    ("POST", "/user/reset_password", "email", "new_password"),
    ("POST", "/admin/users/1/reset_password", "email", "new_password"),
]
# Normalisation sorts the marks of one character by comparing all of them with each other.
SLOW_NAME = "a" + "\u0315\u0327" * 40_000


ROUTES = [
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
]


def test_each_route_with_an_id_is_tested() -> None:
    assert {(method, path) for method, path in ROUTES if "{" in path} == set(WITH_ID_IN_PATH)


@pytest.mark.parametrize("writing", OTHER_WRITINGS, ids=lambda writing: writing[:20])
async def test_only_a_decimal_number_is_an_id_in_a_path(
    client: httpx.AsyncClient, sql: asyncpg.Connection, writing: str
) -> None:
    user_id = await register(client)
    administrator = await admin_bearer(client)
    key = (await client.post("/v1/api-keys", json={"name": "job"}, headers=administrator)).json()
    before = await sql.fetch("SELECT * FROM auth.users ORDER BY id")
    for (method, path), body in WITH_ID_IN_PATH.items():
        row_id = key["id"] if "key_id" in path else user_id
        text = writing.replace(ID, str(row_id))
        address = PLACEHOLDER.sub(lambda _, text=text: text, path)
        response = await client.request(method, address, json=body, headers=administrator)
        assert (response.status_code, code_of(response)) == (422, "invalid_input"), (method, address)
        assert [error["pointer"] for error in response.json()["errors"]] == [
            f"/path/{name}" for name in PLACEHOLDER.findall(path)
        ]
    assert await sql.fetch("SELECT * FROM auth.users ORDER BY id") == before
    assert await sql.fetchval("SELECT count(*) FROM auth.api_keys") == 1


@pytest.mark.parametrize(
    "write",
    [str, float, lambda row_id: f"{row_id}.0", lambda row_id: [row_id], lambda row_id: {"id": row_id}]
    + [lambda _, value=value: value for value in (True, None, "", 7.5, 0, -7, 2**63)],
)
async def test_only_a_positive_integer_is_an_id_in_a_body(
    client: httpx.AsyncClient, sql: asyncpg.Connection, write: Callable[[int], object]
) -> None:
    body = {"user_id": write(await register(client))}
    administrator = await admin_bearer(client)
    response = await client.request("DELETE", "/user/remove_user", json=body, headers=administrator)
    assert (response.status_code, code_of(response)) == (422, "invalid_input")
    assert await sql.fetchval("SELECT count(*) FROM auth.users") == 2


@pytest.mark.parametrize("credential", ["none", "administrator", "service"])
async def test_no_answer_may_be_stored_by_caches(client: httpx.AsyncClient, credential: str) -> None:
    headers = {
        "none": {},
        "administrator": await admin_bearer(client),
        "service": service_bearer("auth-service"),
    }[credential]
    # Deletions last, or the administrator would be gone.
    for method, path in sorted(ROUTES, key=lambda route: route[0] == "DELETE"):
        address = PLACEHOLDER.sub("4711", path)
        response = await client.request(method, address, headers=headers)
        assert response.status_code < 500
        if path not in PUBLIC:
            assert response.headers["Cache-Control"] == "no-store", (method, path)


async def test_answers_with_tokens_and_keys_may_not_be_stored(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    login = {"name": ADA, "password": PASSWORD}
    session = await client.post("/v1/sessions", json=login)
    answers = [
        session,
        await client.post("/v1/sessions/refresh", json={"refresh_token": session.json()["refresh_token"]}),
        await client.post("/user/login", json={"email": ADA, "pwd": PASSWORD}),
        await client.post("/login", json={"username": ADA, "password": PASSWORD}),
        await client.post("/v1/api-keys", json={"name": "job"}, headers=own),
        await client.get("/v1/me/export", headers=own),
    ]
    assert all(answer.is_success for answer in answers)
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * len(answers)


@pytest.mark.parametrize(("method", "path", "name", "password"), ROUTES_WITH_A_PASSWORD)
@pytest.mark.parametrize("long", ["name", "password"])
async def test_long_name_or_password_is_refused_before_it_is_normalised_or_hashed(
    client: httpx.AsyncClient, method: str, path: str, name: str, password: str, long: str
) -> None:
    administrator = await admin_bearer(client)
    body = {name: ADMIN, password: PASSWORD}
    body |= {name: SLOW_NAME} if long == "name" else {password: "x" * 900_000}
    verifications, started = _verifications(), time.process_time()
    response = await client.request(method, path, json=body, headers=administrator)
    assert (response.status_code, code_of(response)) == (422, "invalid_input")
    assert time.process_time() - started < _normalisation_seconds() / 2
    assert _verifications() == verifications


async def test_long_form_field_is_refused_before_it_is_normalised(client: httpx.AsyncClient) -> None:
    started = time.process_time()
    response = await client.post("/login", data={"username": SLOW_NAME, "password": PASSWORD})
    assert response.status_code == 422
    assert time.process_time() - started < _normalisation_seconds() / 2


@functools.cache
def _normalisation_seconds() -> float:
    started = time.process_time()
    unicodedata.normalize("NFKC", SLOW_NAME)
    return time.process_time() - started


def _verifications() -> float:
    [metric] = VERIFICATIONS.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))
