"""Idempotency-Key of requests that create users and API keys."""

import asyncio

import asyncpg
import httpx
import pytest
from starlette.responses import Response
from tests.integration.auth.service import ADA, PASSWORD, Service, bearer_of, code_of, register

from auth_service.idempotency import Idempotency
from auth_service.main import clean_up
from auth_service.users.endpoints import Registration
from kit.digests import fingerprint

KEY = {"Idempotency-Key": "4711"}
BODY = {"name": ADA, "password": PASSWORD}


def scope_of(service: Service) -> str:
    return f"user {service.container.secret.digest('registration', ADA.encode()).hex()}"


async def test_repeated_registration_returns_the_first_answer_and_has_one_effect(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    first = await client.post("/v1/users", json=BODY, headers=KEY)
    again = await client.post("/v1/users", json=BODY, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await sql.fetchval("SELECT count(*) FROM auth.users WHERE name = $1", ADA) == 1


async def test_same_key_with_other_input_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    response = await client.post("/v1/users", json=BODY | {"password": "another sentence"}, headers=KEY)
    assert (response.status_code, code_of(response)) == (422, "idempotency_key_reused")


async def test_same_key_of_another_name_is_another_key(client: httpx.AsyncClient) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    response = await client.post("/v1/users", json=BODY | {"name": "bob"}, headers=KEY)
    assert (response.status_code, response.json()["name"]) == (201, "bob")


async def test_no_stored_answer_contains_the_name(client: httpx.AsyncClient, sql: asyncpg.Connection) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    stored = await sql.fetch("SELECT scope, key, convert_from(answer, 'UTF8') FROM auth.idempotency_keys")
    assert ADA not in str(stored)


async def test_stored_answers_about_api_keys_are_deleted_with_the_account(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    own = await bearer_of(client)
    assert (await client.post("/v1/api-keys", json={"name": "job"}, headers=own | KEY)).status_code == 201
    await client.delete("/v1/me", headers=own)
    assert await sql.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 0


async def test_failed_registration_frees_its_key(client: httpx.AsyncClient) -> None:
    await register(client, "bob")
    assert (await client.post("/v1/users", json=BODY | {"name": "bob"}, headers=KEY)).status_code == 409
    assert (await client.post("/v1/users", json=BODY, headers=KEY)).status_code == 201


async def test_concurrent_requests_with_one_key_have_one_effect(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    responses = await asyncio.gather(*(client.post("/v1/users", json=BODY, headers=KEY) for _ in range(20)))
    created = [response for response in responses if response.status_code == 201]
    others = {code_of(response) for response in responses if response.status_code != 201}
    assert others <= {"idempotency_twin_running"}
    assert [("Idempotency-Replayed" in response.headers) for response in created].count(False) == 1
    assert await sql.fetchval("SELECT count(*) FROM auth.users WHERE name = $1", ADA) == 1


async def test_request_with_the_key_of_a_running_one_is_refused_with_retry_after(service: Service) -> None:
    container = service.container
    running = Idempotency(container.first_answers, container.secret, KEY["Idempotency-Key"], Response())
    async with running.claim(scope_of(service), Registration.model_validate(BODY)):
        response = await service.client.post("/v1/users", json=BODY, headers=KEY)
    assert (response.status_code, code_of(response)) == (409, "idempotency_twin_running")
    assert response.headers["Retry-After"] == "1"


async def test_key_of_a_dead_process_is_blocked_until_its_lease_ends(
    service: Service, sql: asyncpg.Connection
) -> None:
    registration = Registration.model_validate(BODY).model_dump()
    digest = service.container.secret.digest("idempotency", fingerprint(registration))
    await sql.execute(
        "INSERT INTO auth.idempotency_keys (scope, key, fingerprint, lease_until)"
        " VALUES ($1, $2, $3, now() + interval '30 seconds')",
        scope_of(service),
        KEY["Idempotency-Key"],
        digest,
    )
    blocked = await service.client.post("/v1/users", json=BODY, headers=KEY)
    assert (blocked.status_code, code_of(blocked)) == (409, "idempotency_twin_running")
    await sql.execute("UPDATE auth.idempotency_keys SET lease_until = now() - interval '1 second'")
    assert (await service.client.post("/v1/users", json=BODY, headers=KEY)).status_code == 201


async def test_repeated_request_shows_the_same_api_key(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    body = {"name": "job"}
    first = await client.post("/v1/api-keys", json=body, headers=own | KEY)
    again = await client.post("/v1/api-keys", json=body, headers=own | KEY)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await client.get("/v1/api-keys", headers=own)).json()["items"]) == 1


async def test_same_key_of_another_user_is_another_key(client: httpx.AsyncClient) -> None:
    api_keys = set()
    for name in ("ada", "bob"):
        await register(client, name)
        own = await bearer_of(client, name)
        response = await client.post("/v1/api-keys", json={"name": "job"}, headers=own | KEY)
        api_keys.add(response.json()["api_key"])
    assert len(api_keys) == 2


async def test_stored_fingerprint_is_keyed_so_that_no_password_can_be_guessed(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    assert await sql.fetchval("SELECT fingerprint FROM auth.idempotency_keys") != fingerprint(BODY)


async def test_first_answers_are_deleted_after_a_day_and_their_keys_refused(
    service: Service, sql: asyncpg.Connection
) -> None:
    await service.client.post("/v1/users", json=BODY, headers=KEY)
    await clean_up(service.container)
    assert await sql.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 1
    await sql.execute("UPDATE auth.idempotency_keys SET created_at = now() - interval '25 hours'")
    await clean_up(service.container)
    assert await sql.fetchval("SELECT count(*) FROM auth.idempotency_keys WHERE answer IS NOT NULL") == 0
    refused = await service.client.post("/v1/users", json=BODY, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_expired")


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "two words"])
async def test_invalid_keys_are_refused(client: httpx.AsyncClient, key: str) -> None:
    response = await client.post("/v1/users", json=BODY, headers={"Idempotency-Key": key})
    assert response.status_code == 422
