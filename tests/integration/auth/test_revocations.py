"""GET /internal/trust, which every verifier polls."""

import asyncpg
import httpx
from tests.integration.auth.service import Service, admin_bearer, bearer_of, register
from tests.support.tokens import service_bearer

from auth_service.housekeeping import clean_up
from kit.trust_store import Revocation, TrustStore, TrustUpdate


async def news(client: httpx.AsyncClient, since: int = 0) -> TrustUpdate:
    headers = service_bearer("auth-service", "gateway")
    answer = await client.get("/internal/trust", params={"since": since}, headers=headers)
    assert answer.status_code == 200
    return TrustUpdate.model_validate_json(answer.content)


async def revoke_a_session(client: httpx.AsyncClient) -> None:
    await client.delete("/v1/sessions/current", headers=await admin_bearer(client))


async def test_tells_a_user_by_generation_and_a_session_and_a_key_by_id(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    own = await bearer_of(client)
    key = (await client.post("/v1/api-keys", json={"name": "job"}, headers=own)).json()
    await client.delete(f"/v1/api-keys/{key['id']}", headers=own)
    await client.delete("/v1/sessions/current", headers=own)
    await client.delete("/v1/me", headers=await bearer_of(client))
    told = (await news(client)).revocations
    assert Revocation(api_key_id=key["id"]) in told
    assert Revocation(user_id=user_id, generation=1) in told
    assert sum(each.session_id is not None for each in told) == 1


async def test_tells_only_what_is_new_after_the_cursor(client: httpx.AsyncClient) -> None:
    await revoke_a_session(client)
    first = await news(client)
    assert len(first.revocations) == 1
    assert (await news(client, first.cursor)).revocations == []
    await revoke_a_session(client)
    assert len((await news(client, first.cursor)).revocations) == 1


async def test_misses_nothing_that_commits_out_of_order(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    insert = "INSERT INTO auth.revocations (api_key_id, expires_at) VALUES (77, now() + interval '1 hour')"
    slow = sql.transaction()
    await slow.start()
    await sql.execute(insert)
    await revoke_a_session(client)
    before = await news(client)
    assert Revocation(api_key_id=77) not in before.revocations
    await slow.commit()
    assert Revocation(api_key_id=77) in (await news(client, before.cursor)).revocations


async def test_a_cursor_from_before_a_restore_starts_again(client: httpx.AsyncClient) -> None:
    await revoke_a_session(client)
    assert len((await news(client, 2**62)).revocations) == 1


async def test_a_verifier_that_starts_late_learns_everything_that_matters(
    client: httpx.AsyncClient,
) -> None:
    user_id = await register(client)
    await client.delete("/v1/me", headers=await bearer_of(client))
    trust = TrustStore()
    trust.apply(await news(client))
    assert trust.is_revoked(user_id, 0, None, None)


async def test_revocations_are_kept_until_no_token_can_be_left(
    service: Service, sql: asyncpg.Connection
) -> None:
    await revoke_a_session(service.client)
    await clean_up(service.container)
    assert len((await news(service.client)).revocations) == 1
    await sql.execute("UPDATE auth.revocations SET expires_at = now()")
    await clean_up(service.container)
    assert (await news(service.client)).revocations == []


async def test_under_hs256_no_keys_are_told(client: httpx.AsyncClient) -> None:
    assert (await news(client)).keys == []
    assert (await client.get("/.well-known/jwks.json")).json() == {"keys": []}
