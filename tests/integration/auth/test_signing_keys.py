"""Signing keys under EdDSA: publication and rotation."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import asyncpg
import httpx
import jwt
import pytest
from pydantic import SecretStr
from tests.integration.auth.service import (
    Consumer,
    Service,
    bearer_of,
    eventually,
    register,
    run_service,
)
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from auth_service.main import clean_up
from auth_service.tokens.secrets import Seal

NEW_SECRET = "e5b1d0c47f29a8360e5b1d0c47f29a83"


@pytest.fixture
async def service(database: Database, consumer: Consumer) -> AsyncIterator[Service]:
    async with run_service(database, consumer, jwt_algorithm="EdDSA") as running:
        yield running


async def published(client: httpx.AsyncClient) -> list[str]:
    return [key["kid"] for key in (await client.get("/.well-known/jwks.json")).json()["keys"]]


def signed_by(headers: dict[str, str]) -> str:
    return jwt.get_unverified_header(headers["Authorization"].removeprefix("Bearer "))["kid"]


def run_command(database: Database, **environment: str) -> "subprocess.CompletedProcess[str]":
    settings = {name.upper(): str(value) for name, value in database.settings("auth").items()}
    variables = os.environ | settings | {"JWT_SECRET": JWT_SECRET} | environment
    return subprocess.run(
        [sys.executable, "-m", "auth_service", "rotate-keys"],
        env=variables,
        check=False,
        capture_output=True,
        text=True,
    )


async def make_the_successor_sign(sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE auth.signing_keys SET signs_from = now() WHERE signs_from > now()")


async def test_tokens_verify_with_the_published_key(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    [key] = (await client.get("/.well-known/jwks.json")).json()["keys"]
    token = own["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="farebox")
    assert claims["sub"] == str(user_id)
    assert (await client.get("/v1/me", headers=own)).status_code == 200


async def test_private_key_is_sealed_and_not_published(
    client: httpx.AsyncClient, service: Service, sql: asyncpg.Connection
) -> None:
    [key] = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert "d" not in key
    sealed = await sql.fetchval("SELECT sealed_private_key FROM auth.signing_keys")
    private = Seal(service.container.settings).open(sealed)
    assert private is not None
    assert private not in sealed


async def test_rotation_keeps_old_tokens_valid_and_drops_the_old_key_at_its_end(
    service: Service, database: Database, sql: asyncpg.Connection
) -> None:
    client = service.client
    await register(client)
    old = await bearer_of(client)
    rotated = run_command(database, JWT_ALGORITHM="EdDSA")
    assert rotated.returncode == 0, rotated.stderr
    assert len(await published(client)) == 2
    assert signed_by(await bearer_of(client)) == signed_by(old)

    await make_the_successor_sign(sql)
    new = await bearer_of(client)
    assert signed_by(new) != signed_by(old)
    await eventually(lambda: signed_by(new) in service.container.authentication.trust.keys)
    for headers in (old, new):
        assert (await client.get("/v1/me", headers=headers)).status_code == 200

    await sql.execute("UPDATE auth.signing_keys SET published_until = now() WHERE published_until > now()")
    await clean_up(service.container)
    assert await published(client) == [signed_by(new)]
    assert (await client.get("/v1/me", headers=new)).status_code == 200
    await eventually(lambda: signed_by(old) not in service.container.authentication.trust.keys)


async def test_old_key_stays_published_until_its_last_token_has_expired(
    service: Service, database: Database, sql: asyncpg.Connection
) -> None:
    run_command(database, JWT_ALGORITHM="EdDSA")
    new = await sql.fetchrow("SELECT * FROM auth.signing_keys WHERE published_until IS NULL")
    old = await sql.fetchrow("SELECT * FROM auth.signing_keys WHERE published_until IS NOT NULL")
    assert old["published_until"] - new["signs_from"] >= service.container.settings.access_lifetime


async def test_clean_up_rotates_a_key_after_its_term(service: Service, sql: asyncpg.Connection) -> None:
    await clean_up(service.container)
    assert len(await published(service.client)) == 1
    await sql.execute("UPDATE auth.signing_keys SET signs_from = now() - interval '31 days'")
    await clean_up(service.container)
    await clean_up(service.container)
    assert len(await published(service.client)) == 2


async def test_replicas_share_one_first_key(service: Service, database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer, jwt_algorithm="EdDSA") as replica:
        assert await published(replica.client) == await published(service.client)


async def test_signing_keys_survive_a_new_jwt_secret(
    service: Service, database: Database, consumer: Consumer
) -> None:
    await register(service.client)
    old = await bearer_of(service.client)
    changed = {"jwt_algorithm": "EdDSA", "jwt_secret": NEW_SECRET}
    async with run_service(
        database, consumer, **changed, jwt_secret_previous=SecretStr(JWT_SECRET)
    ) as renewed:
        assert (await renewed.client.get("/v1/me", headers=old)).status_code == 200
    async with run_service(database, consumer, **changed) as restarted:
        assert signed_by(await bearer_of(restarted.client)) == signed_by(old)


async def test_without_the_old_jwt_secret_a_new_key_signs(
    service: Service, database: Database, consumer: Consumer
) -> None:
    await register(service.client)
    old = await bearer_of(service.client)
    async with run_service(database, consumer, jwt_algorithm="EdDSA", jwt_secret=NEW_SECRET) as renewed:
        new = await bearer_of(renewed.client)
        assert signed_by(new) != signed_by(old)
        await eventually(lambda: signed_by(new) in renewed.container.authentication.trust.keys)
        assert (await renewed.client.get("/v1/me", headers=new)).status_code == 200


async def test_rotate_keys_under_hs256_is_refused_with_the_settings_to_change(database: Database) -> None:
    refused = run_command(database)
    assert refused.returncode == 1
    assert "JWT_SECRET_PREVIOUS" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_hs256_tokens_of_the_previous_secret_remain_valid(
    database: Database, consumer: Consumer
) -> None:
    async with run_service(database, consumer) as before:
        await register(before.client)
        old = await bearer_of(before.client)
    async with run_service(
        database, consumer, jwt_secret=NEW_SECRET, jwt_secret_previous=JWT_SECRET
    ) as after:
        assert (await after.client.get("/v1/me", headers=old)).status_code == 200
        new = await bearer_of(after.client)
    assert jwt.decode(
        new["Authorization"].removeprefix("Bearer "), NEW_SECRET, algorithms=["HS256"], audience="farebox"
    )
