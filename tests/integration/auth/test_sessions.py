"""Sessions: refresh and log out."""

from datetime import datetime, timedelta, tzinfo
from typing import Self

import asyncpg
import httpx
import pytest
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

from auth_service.sessions import service as sessions_service
from auth_service.sessions.repository import MAX_SESSIONS, MAX_USED_TOKENS

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


async def refresh(client: httpx.AsyncClient, session: Json, address: str = HOME) -> httpx.Response:
    body = {"refresh_token": session["refresh_token"]}
    headers = {"X-Forwarded-For": address}
    return await client.post("/v1/sessions/refresh", json=body, headers=headers)


async def age_uses(sql: asyncpg.Connection, seconds: int) -> None:
    """Let the given seconds pass since each use of a refresh token."""
    await sql.execute("UPDATE auth.refresh_tokens SET used_at = used_at - $1 * interval '1 second'", seconds)


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


async def test_lost_answer_is_given_once_more(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    lost, repeated = (await refresh(client, first)).json(), (await refresh(client, first)).json()
    assert repeated["refresh_token"] == lost["refresh_token"]
    assert (await client.get("/v1/me", headers=headers_of(repeated))).status_code == 200
    assert (await refresh(client, repeated)).status_code == 200


async def test_second_repetition_ends_the_session(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    answers = [await refresh(client, first) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 401]
    assert (await refresh(client, answers[0].json())).status_code == 401


async def test_repetition_from_another_network_ends_the_session(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    second = (await refresh(client, first)).json()
    assert code_of(await refresh(client, first, ELSEWHERE)) == "refresh_token_reused"
    assert (await refresh(client, second)).status_code == 401


async def test_repetition_after_the_answer_was_used_ends_the_session(client: httpx.AsyncClient) -> None:
    await register(client)
    first = await log_in(client)
    second = (await refresh(client, first)).json()
    third = (await refresh(client, second)).json()
    assert code_of(await refresh(client, first)) == "refresh_token_reused"
    assert (await refresh(client, third)).status_code == 401


async def test_reuse_is_noticed_by_a_replica_whose_clock_is_slow(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) - timedelta(minutes=1)

    await register(client)
    session = await log_in(client)
    assert (await refresh(client, session)).status_code == 200
    monkeypatch.setattr(sessions_service, "datetime", SlowClock)
    assert code_of(await refresh(client, session, ELSEWHERE)) == "refresh_token_reused"


async def test_session_ends_90_days_after_its_login(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    session = await log_in(client)
    assert session["refresh_expires_in"] == 30 * 24 * 3600
    await sql.execute(
        "UPDATE auth.sessions SET started_at = now() - interval '90 days' + interval '10 minutes'"
    )
    last = (await refresh(client, session)).json()
    assert 590 <= last["refresh_expires_in"] <= 600
    assert last["expires_in"] <= 600
    await sql.execute("UPDATE auth.refresh_tokens SET expires_at = expires_at - interval '10 minutes'")
    assert code_of(await refresh(client, last)) == "refresh_token_invalid"


async def test_sessions_of_a_user_are_limited_to_the_newest(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    user_id = await register(client)
    await sql.execute(
        "INSERT INTO auth.sessions (id, user_id, generation, started_at, refreshed_at, expires_at)"
        " SELECT 'session ' || number, $1, 0, now(), now() - number * interval '1 hour',"
        " now() + interval '1 day' FROM generate_series(1, $2) AS number",
        user_id,
        MAX_SESSIONS + 5,
    )
    session = await log_in(client)
    rows = await sql.fetch("SELECT id FROM auth.sessions WHERE user_id = $1", user_id)
    assert len(rows) == MAX_SESSIONS
    assert ("session 1",) in rows
    assert (await refresh(client, session)).status_code == 200


async def test_used_tokens_of_a_session_are_limited_to_the_newest(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    session = await log_in(client)
    await sql.execute(
        "INSERT INTO auth.refresh_tokens (digest, session_id, expires_at, used_at)"
        " SELECT number::text::bytea, (SELECT id FROM auth.sessions), now() + interval '1 day',"
        " now() - number * interval '1 hour' FROM generate_series(1, $1) AS number",
        MAX_USED_TOKENS + 5,
    )
    assert (await refresh(client, session)).status_code == 200
    used = "SELECT count(*) FROM auth.refresh_tokens WHERE used_at IS NOT NULL"
    assert await sql.fetchval(used) <= MAX_USED_TOKENS


async def test_reuse_of_a_refresh_token_ends_the_whole_session(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    first = await log_in(client)
    second = (await refresh(client, first)).json()
    await age_uses(sql, 11)
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
    assert (await refresh(client, stolen, ELSEWHERE)).status_code == 401
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
