"""Sessions: refresh and log out."""

import asyncpg
import httpx
from tests.integration.auth.service import (
    PASSWORD,
    Consumer,
    Json,
    Service,
    admin_bearer,
    at_once,
    code_of,
    eventually,
    headers_of,
    log_in,
    register,
    run_service,
)
from tests.support.postgres import Database


async def refresh(client: httpx.AsyncClient, session: Json) -> httpx.Response:
    return await client.post("/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]})


async def test_refresh_returns_working_tokens(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    second = (await refresh(client, first)).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.get("/v1/me", headers=headers_of(second))).status_code == 200
    assert (await refresh(client, second)).status_code == 200


async def test_refresh_tokens_are_stored_as_digests(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    session = await log_in(client)
    assert session["refresh_token"] not in str(await sql.fetch("SELECT * FROM auth.refresh_tokens"))


async def test_reuse_of_a_refresh_token_ends_the_whole_session(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    second = (await refresh(client, first)).json()
    response = await refresh(client, first)
    assert (response.status_code, code_of(response)) == (401, "refresh_token_reused")
    assert (await refresh(client, second)).status_code == 401

    async def access_tokens_are_refused() -> bool:
        responses = [await client.get("/v1/me", headers=headers_of(session)) for session in (first, second)]
        return [response.status_code for response in responses] == [401, 401]

    await eventually(access_tokens_are_refused)


async def test_reuse_does_not_end_other_sessions_of_the_user(client: httpx.AsyncClient) -> None:
    await register(client)
    stolen, other = await log_in(client), await log_in(client)
    await refresh(client, stolen)
    await refresh(client, stolen)
    assert (await refresh(client, other)).status_code == 200


async def test_one_of_20_concurrent_refreshes_succeeds_and_the_session_continues(
    client: httpx.AsyncClient,
) -> None:
    await register(client)
    session = await log_in(client)
    statuses = await at_once(*(refresh(client, session) for _ in range(20)))
    assert statuses == [200] + [409] * 19
    assert (await client.get("/v1/me", headers=headers_of(session))).status_code == 200


async def test_unknown_refresh_token_is_refused(client: httpx.AsyncClient) -> None:
    response = await refresh(client, {"refresh_token": "unknown"})
    assert (response.status_code, code_of(response)) == (401, "refresh_token_invalid")


async def test_expired_refresh_token_is_refused(client: httpx.AsyncClient, sql: asyncpg.Connection) -> None:
    await register(client)
    session = await log_in(client)
    await sql.execute("UPDATE auth.refresh_tokens SET expires_at = now() - interval '1 second'")
    assert code_of(await refresh(client, session)) == "refresh_token_invalid"


async def test_session_from_before_a_password_change_cannot_be_refreshed(client: httpx.AsyncClient) -> None:
    await register(client)
    session = await log_in(client)
    body = {"current_password": PASSWORD, "new_password": "another sentence"}
    await client.put("/v1/me/password", json=body, headers=headers_of(session))
    assert code_of(await refresh(client, session)) == "refresh_token_invalid"


async def test_disabled_account_cannot_refresh(client: httpx.AsyncClient) -> None:
    user_id = await register(client)
    session = await log_in(client)
    administrator = await admin_bearer(client)
    await client.patch(f"/v1/users/{user_id}", json={"disabled": True}, headers=administrator)
    assert (await refresh(client, session)).status_code in (401, 403)


async def test_logout_revokes_the_tokens_of_the_session(client: httpx.AsyncClient) -> None:
    await register(client)
    session = await log_in(client)
    response = await client.delete("/v1/sessions/current", headers=headers_of(session))
    assert response.status_code == 204
    assert (await client.get("/v1/me", headers=headers_of(session))).status_code == 401
    assert (await refresh(client, session)).status_code == 401


async def test_logout_does_not_end_other_sessions(client: httpx.AsyncClient) -> None:
    await register(client)
    session, other = await log_in(client), await log_in(client)
    await client.delete("/v1/sessions/current", headers=headers_of(session))
    assert (await client.get("/v1/me", headers=headers_of(other))).status_code == 200


async def test_another_replica_refuses_tokens_after_a_logout(
    service: Service, database: Database, consumer: Consumer
) -> None:
    await register(service.client)
    session = await log_in(service.client)
    async with run_service(database, consumer) as replica:
        assert (await replica.client.get("/v1/me", headers=headers_of(session))).status_code == 200
        await service.client.delete("/v1/sessions/current", headers=headers_of(session))

        async def refused() -> bool:
            return (await replica.client.get("/v1/me", headers=headers_of(session))).status_code == 401

        await eventually(refused)
