"""Registration: POST /v1/users."""

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import (
    ADA,
    PASSWORD,
    Consumer,
    Service,
    at_once,
    bearer_of,
    code_of,
    register,
    run_service,
)
from tests.support.postgres import Database


async def test_registration_returns_the_user_without_the_password(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/users", json={"email": ADA, "password": PASSWORD})
    user = response.json()
    assert response.status_code == 201
    assert user["name"] == ADA
    assert set(user) == {"id", "name", "display_name", "role", "disabled", "created_at"}


async def test_registration_with_a_role_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/users", json={"name": ADA, "password": PASSWORD, "role": "admin"})
    assert response.status_code == 422


@pytest.mark.parametrize("same", ["ADA@example.org", " ada@example.org ", "ａｄａ@example.org"])
async def test_other_spelling_of_a_taken_name_is_taken(client: httpx.AsyncClient, same: str) -> None:
    await register(client)
    response = await client.post("/v1/users", json={"name": same, "password": PASSWORD})
    assert (response.status_code, code_of(response)) == (409, "name_taken")


async def test_one_of_20_concurrent_registrations_of_a_name_succeeds(client: httpx.AsyncClient) -> None:
    body = {"name": ADA, "password": PASSWORD}
    assert await at_once(*(client.post("/v1/users", json=body) for _ in range(20))) == [201] + [409] * 19


async def test_billing_receives_the_new_user_before_the_response(
    client: httpx.AsyncClient, consumer: Consumer
) -> None:
    user_id = await register(client)
    [created] = [
        data for data in consumer.data_of("billing-service", "user_created") if data["user_id"] == user_id
    ]
    assert created["name"] == ADA
    assert created["role"] == "user"
    assert len(bytes.fromhex(created["name_digest"])) == 32


async def test_registration_succeeds_while_billing_is_unavailable(database: Database) -> None:
    async with run_service(database, consumer=None) as service:
        await register(service.client)
        assert await bearer_of(service.client)


async def test_name_digest_is_equal_for_all_spellings_and_after_a_new_jwt_secret(
    database: Database, consumer: Consumer, service: Service
) -> None:
    await register(service.client)
    own = await bearer_of(service.client)
    await service.client.delete("/v1/me", headers=own)
    old = service.container.settings.jwt_secret
    new = "e5b1d0c47f29a8360e5b1d0c47f29a83"
    async with run_service(database, consumer, jwt_secret=new, jwt_secret_previous=old) as renewed:
        await register(renewed.client, "ADA@example.org")
    async with run_service(database, consumer, jwt_secret=new) as restarted:
        await restarted.client.delete("/v1/me", headers=await bearer_of(restarted.client))
        await register(restarted.client)
    digests = [
        data["name_digest"]
        for data in consumer.data_of("billing-service", "user_created")
        if data["name"].lower() == ADA
    ]
    assert len(digests) == 3
    assert len(set(digests)) == 1


async def test_passwords_are_stored_as_bcrypt_sha256(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    stored = await sql.fetchval("SELECT password_hash FROM auth.users WHERE name = $1", ADA)
    assert stored.startswith("$bcrypt-sha256$")


@pytest.mark.parametrize(
    "body",
    [
        {"name": ADA, "password": "1234567"},
        {"name": ADA, "password": "x" * 257},
        {"name": ADA, "password": "with a \x00 inside"},
        {"name": ADA},
        {"password": PASSWORD},
        {"name": "", "password": PASSWORD},
        {"name": "   ", "password": PASSWORD},
        {"name": "a" * 255, "password": PASSWORD},
        {"name": "ada\x00", "password": PASSWORD},
        {"name": "ada\n", "password": PASSWORD, "more": 1},
        {"name": "a\u200bda", "password": PASSWORD},
        {"name": "two words", "password": PASSWORD},
        {"name": "a/b", "password": PASSWORD},
        {"name": 7, "password": PASSWORD},
        {"name": ADA, "password": True},
        {"name": None, "password": PASSWORD},
        [],
        "text",
    ],
)
async def test_invalid_input_is_refused_and_not_repeated(client: httpx.AsyncClient, body: object) -> None:
    response = await client.post("/v1/users", json=body)
    assert response.status_code == 422
    assert response.json()["errors"]
    assert PASSWORD not in response.text


@pytest.mark.parametrize("raw", [b'{"name": "\\ud800", "password": "a long sentence"}', b"{", b"", b"\xff"])
async def test_invalid_json_is_refused(client: httpx.AsyncClient, raw: bytes) -> None:
    response = await client.post("/v1/users", content=raw, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
