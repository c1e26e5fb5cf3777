"""Revocations: GET /internal/trust, which every verifier polls."""

import asyncpg
import httpx
from tests.integration.auth.service import Service, admin_bearer, bearer_of, register
from tests.support.tokens import service_bearer

from auth_service.main import clean_up
from kit.trust_store import Revocation, TrustStore, TrustUpdate


async def updates(client: httpx.AsyncClient, since: int = 0) -> TrustUpdate:
    headers = service_bearer("auth-service", "gateway")
    response = await client.get("/internal/trust", params={"since": since}, headers=headers)
    assert response.status_code == 200
    return TrustUpdate.model_validate_json(response.content)


async def revoke_a_session(client: httpx.AsyncClient) -> None:
    await client.delete("/v1/sessions/current", headers=await admin_bearer(client))


async def test_update_contains_revoked_users_sessions_and_api_keys(
    client: httpx.AsyncClient,
) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    key = (await client.post("/v1/api-keys", json={"name": "job"}, headers=own)).json()
    await client.delete(f"/v1/api-keys/{key['id']}", headers=own)
    await client.delete("/v1/sessions/current", headers=own)
    await client.delete("/v1/me", headers=await bearer_of(client))
    revocations = (await updates(client)).revocations
    assert Revocation(api_key_id=key["id"]) in revocations
    assert Revocation(user_id=user_id, generation=1) in revocations
    assert sum(revocation.session_id is not None for revocation in revocations) == 1


async def test_update_contains_only_revocations_after_the_cursor(client: httpx.AsyncClient) -> None:
    await revoke_a_session(client)
    first = await updates(client)
    assert len(first.revocations) == 1
    assert (await updates(client, first.cursor)).revocations == []
    await revoke_a_session(client)
    assert len((await updates(client, first.cursor)).revocations) == 1


async def test_revocation_that_commits_out_of_order_is_not_missed(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    insert = "INSERT INTO auth.revocations (api_key_id, expires_at) VALUES (77, now() + interval '1 hour')"
    slow = sql.transaction()
    await slow.start()
    await sql.execute(insert)
    await revoke_a_session(client)
    before = await updates(client)
    assert Revocation(api_key_id=77) not in before.revocations
    await slow.commit()
    assert Revocation(api_key_id=77) in (await updates(client, before.cursor)).revocations


async def test_cursor_from_before_a_restore_returns_all_revocations(client: httpx.AsyncClient) -> None:
    await revoke_a_session(client)
    assert len((await updates(client, 2**62)).revocations) == 1


async def test_late_verifier_receives_all_revocations_in_force(
    client: httpx.AsyncClient,
) -> None:
    user_id = await register(client)
    await client.delete("/v1/me", headers=await bearer_of(client))
    trust = TrustStore()
    trust.apply(await updates(client))
    assert trust.is_revoked(user_id, 0, None, None)


async def test_revocations_are_deleted_once_no_token_can_be_valid(
    service: Service, sql: asyncpg.Connection
) -> None:
    await revoke_a_session(service.client)
    await clean_up(service.container)
    assert len((await updates(service.client)).revocations) == 1
    await sql.execute("UPDATE auth.revocations SET expires_at = now()")
    await clean_up(service.container)
    assert (await updates(service.client)).revocations == []


async def test_hs256_publishes_no_keys(client: httpx.AsyncClient) -> None:
    assert (await updates(client)).keys == []
    assert (await client.get("/.well-known/jwks.json")).json() == {"keys": []}
