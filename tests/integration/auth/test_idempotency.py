"""Idempotency-Key on what makes users and API keys."""

import asyncio

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import ADA, PASSWORD, Service, bearer_of, code_of, register

from auth_service.housekeeping import tidy
from auth_service.idempotency.repository import FirstAnswerRepository
from kit.digests import fingerprint

KEY = {"Idempotency-Key": "4711"}
BODY = {"name": ADA, "password": PASSWORD}


async def test_a_repeated_registration_gets_the_first_answer_and_has_one_effect(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    first = await client.post("/v1/users", json=BODY, headers=KEY)
    again = await client.post("/v1/users", json=BODY, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await sql.fetchval("SELECT count(*) FROM auth.users WHERE name = $1", ADA) == 1


@pytest.mark.parametrize("other", [{"name": "bob"}, {"password": "another sentence"}])
async def test_the_same_key_with_other_input_is_refused(
    client: httpx.AsyncClient, other: dict[str, str]
) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    answer = await client.post("/v1/users", json=BODY | other, headers=KEY)
    assert (answer.status_code, code_of(answer)) == (422, "idempotency_key_reused")


async def test_a_failed_registration_is_not_remembered(client: httpx.AsyncClient) -> None:
    await register(client, "bob")
    assert (await client.post("/v1/users", json=BODY | {"name": "bob"}, headers=KEY)).status_code == 409
    assert (await client.post("/v1/users", json=BODY, headers=KEY)).status_code == 201


async def test_twins_have_one_effect(client: httpx.AsyncClient, sql: asyncpg.Connection) -> None:
    answers = await asyncio.gather(*(client.post("/v1/users", json=BODY, headers=KEY) for _ in range(20)))
    made = [answer for answer in answers if answer.status_code == 201]
    others = {code_of(answer) for answer in answers if answer.status_code != 201}
    assert others <= {"idempotency_twin_running"}
    assert [("Idempotency-Replayed" in answer.headers) for answer in made].count(False) == 1
    assert await sql.fetchval("SELECT count(*) FROM auth.users WHERE name = $1", ADA) == 1


async def test_a_twin_of_a_running_request_is_told_to_wait(service: Service) -> None:
    async with service.parts.database.transaction() as running:
        assert await FirstAnswerRepository(running).try_lock("users", KEY["Idempotency-Key"])
        answer = await service.client.post("/v1/users", json=BODY, headers=KEY)
    assert (answer.status_code, code_of(answer)) == (409, "idempotency_twin_running")
    assert answer.headers["Retry-After"] == "1"


async def test_a_repeated_order_shows_the_same_api_key(client: httpx.AsyncClient) -> None:
    await register(client)
    own = await bearer_of(client)
    order = {"name": "job"}
    first = await client.post("/v1/api-keys", json=order, headers=own | KEY)
    again = await client.post("/v1/api-keys", json=order, headers=own | KEY)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await client.get("/v1/api-keys", headers=own)).json()["items"]) == 1


async def test_keys_of_different_users_do_not_meet(client: httpx.AsyncClient) -> None:
    shown = set()
    for name in ("ada", "bob"):
        await register(client, name)
        own = await bearer_of(client, name)
        answer = await client.post("/v1/api-keys", json={"name": "job"}, headers=own | KEY)
        shown.add(answer.json()["api_key"])
    assert len(shown) == 2


async def test_no_password_can_be_guessed_from_what_is_remembered(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await client.post("/v1/users", json=BODY, headers=KEY)
    assert await sql.fetchval("SELECT fingerprint FROM auth.idempotency_keys") != fingerprint(BODY)


async def test_answers_are_forgotten_after_a_day(service: Service, sql: asyncpg.Connection) -> None:
    await service.client.post("/v1/users", json=BODY, headers=KEY)
    await tidy(service.parts)
    assert await sql.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 1
    await sql.execute("UPDATE auth.idempotency_keys SET created_at = now() - interval '25 hours'")
    await tidy(service.parts)
    assert await sql.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 0


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "two words"])
async def test_unusable_keys_are_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/users", json=BODY, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
