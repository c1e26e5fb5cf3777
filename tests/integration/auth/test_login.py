"""Login: POST /v1/sessions."""

import asyncio

import asyncpg
import httpx
import jwt
import pytest
from passlib.hash import bcrypt
from structlog.testing import capture_logs
from tests.integration.auth.service import (
    ADA,
    PASSWORD,
    Consumer,
    at_once,
    code_of,
    log_in,
    register,
    run_service,
    try_to_log_in,
)
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from auth_service.passwords.hashing import VERIFICATIONS


async def test_access_token_contains_user_role_and_expiry(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    session = await log_in(client)
    claims = jwt.decode(
        session["access_token"], JWT_SECRET, algorithms=["HS256"], audience="farebox", issuer="farebox"
    )
    assert claims["sub"] == str(user_id)
    assert (claims["role"], claims["gen"]) == ("user", 0)
    assert "name" not in claims
    assert claims["exp"] - claims["iat"] == session["expires_in"] == 3600
    assert session["token_type"] == "bearer"


@pytest.mark.parametrize("field", ["name", "email"])
async def test_login_accepts_the_name_as_name_or_email(client: httpx.AsyncClient, field: str) -> None:
    await register(client)
    response = await client.post("/v1/sessions", json={field: "Ada@Example.org", "password": PASSWORD})
    assert response.status_code == 201


async def test_unknown_name_and_wrong_password_have_the_same_response(client: httpx.AsyncClient) -> None:
    await register(client)
    wrong = await try_to_log_in(client, ADA, "not the password")
    unknown = await try_to_log_in(client, "nobody@example.org", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.headers["WWW-Authenticate"] == unknown.headers["WWW-Authenticate"] == "Bearer"
    assert wrong.json() | {"request_id": 0} == unknown.json() | {"request_id": 0}


async def test_unknown_name_and_wrong_password_cost_one_verification_each(client: httpx.AsyncClient) -> None:
    await register(client)
    for name in (ADA, "nobody@example.org"):
        before = _verifications()
        await try_to_log_in(client, name, "not the password")
        assert _verifications() - before == 1


async def test_plain_bcrypt_hash_verifies_and_is_upgraded_at_login(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    plain = bcrypt.using(rounds=4).hash("old password")
    await sql.execute("UPDATE auth.users SET password_hash = $1 WHERE name = $2", plain, ADA)
    await log_in(client, ADA, "old password")
    stored = await sql.fetchval("SELECT password_hash FROM auth.users WHERE name = $1", ADA)
    assert stored.startswith("$bcrypt-sha256$")
    await log_in(client, ADA, "old password")


async def test_password_bytes_after_the_72nd_are_significant(client: httpx.AsyncClient) -> None:
    await register(client, ADA, "x" * 80 + "a")
    assert (await try_to_log_in(client, ADA, "x" * 80 + "b")).status_code == 401
    assert (await try_to_log_in(client, ADA, "x" * 80 + "a")).status_code == 201


async def test_20_concurrent_correct_logins_succeed(client: httpx.AsyncClient) -> None:
    await register(client)
    assert await at_once(*(try_to_log_in(client, ADA, PASSWORD) for _ in range(20))) == [201] * 20


async def test_failed_login_is_logged_with_the_user_and_never_with_the_name(
    client: httpx.AsyncClient,
) -> None:
    user_id = await register(client)
    with capture_logs() as logs:
        await try_to_log_in(client, ADA, "not the password")
        await try_to_log_in(client, "my-secret-password", "not the password")
    failed = [entry for entry in logs if entry["event"] == "login_failed"]
    assert [(entry["user"], entry["log_level"]) for entry in failed] == [
        (user_id, "warning"),
        (None, "warning"),
    ]
    assert "my-secret-password" not in str(logs)


async def test_full_hashing_queue_is_503_with_retry_after(database: Database, consumer: Consumer) -> None:
    slow = {"hash_queue": 1, "hash_threads": 1, "bcrypt_cost": 14}
    async with run_service(database, consumer, **slow) as service:
        attempts = [try_to_log_in(service.client, f"user{number}", PASSWORD) for number in range(4)]
        responses = await asyncio.gather(*attempts)
    refused = [response for response in responses if response.status_code != 401]
    assert [code_of(response) for response in refused] == ["hashing_busy"] * 3
    assert all(int(response.headers["Retry-After"]) >= 1 for response in refused)


def _verifications() -> float:
    [metric] = VERIFICATIONS.collect()
    return next(sample.value for sample in metric.samples if sample.name.endswith("_total"))
