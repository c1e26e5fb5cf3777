"""The growing delay after failed logins."""

import asyncio
import time

import asyncpg
import httpx
import pytest
from tests.integration.auth.service import (
    ADA,
    PASSWORD,
    Consumer,
    Service,
    bearer_of,
    code_of,
    eventually,
    log_in,
    register,
    run_service,
    try_to_log_in,
)
from tests.support.postgres import Database

UNKNOWN = "nobody@example.org"
WRONG = "not the password"


async def fail(client: httpx.AsyncClient, name: str, times: int) -> list[int]:
    return [(await try_to_log_in(client, name, WRONG)).status_code for _ in range(times)]


async def end_the_delay(sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE auth.login_attempts SET blocked_until = now() WHERE blocked_until IS NOT NULL")


async def prolong_the_delay(sql: asyncpg.Connection) -> None:
    """Prolong an existing delay, so that the test does not have to finish within a second."""
    longer = "UPDATE auth.login_attempts SET blocked_until = now() + interval '1 minute'"
    await sql.execute(f"{longer} WHERE blocked_until > touched_at")


async def delay_in_seconds(sql: asyncpg.Connection) -> float | None:
    delay = await sql.fetchval("SELECT blocked_until - touched_at FROM auth.login_attempts")
    return delay.total_seconds() if delay is not None else None


@pytest.mark.parametrize("name", [ADA, UNKNOWN])
async def test_sixth_failed_attempt_is_429_with_retry_after(
    client: httpx.AsyncClient, sql: asyncpg.Connection, name: str
) -> None:
    await register(client)
    assert await fail(client, name, 5) == [401] * 5
    await prolong_the_delay(sql)
    response = await try_to_log_in(client, name, WRONG)
    assert (response.status_code, code_of(response)) == (429, "too_many_failures")
    assert 1 <= int(response.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("name", [ADA, UNKNOWN])
async def test_delay_doubles_up_to_a_minute(
    client: httpx.AsyncClient, sql: asyncpg.Connection, name: str
) -> None:
    await register(client)
    assert await fail(client, name, 4) == [401] * 4
    assert await delay_in_seconds(sql) is None
    delays = []
    for _ in range(8):
        assert await fail(client, name, 1) == [401]
        delays.append(await delay_in_seconds(sql))
        await end_the_delay(sql)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]


async def test_correct_password_is_refused_during_the_delay_and_resets_it_afterwards(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    await fail(client, ADA, 5)
    await prolong_the_delay(sql)
    assert (await try_to_log_in(client, ADA, PASSWORD)).status_code == 429
    await end_the_delay(sql)
    await log_in(client)
    assert await fail(client, ADA, 5) == [401] * 5


async def test_login_succeeds_after_the_delay(client: httpx.AsyncClient) -> None:
    await register(client)
    await fail(client, ADA, 5)

    async def may_log_in() -> bool:
        return (await try_to_log_in(client, ADA, PASSWORD)).status_code == 201

    await eventually(may_log_in)


async def test_delay_of_one_name_does_not_affect_others(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    await register(client, "bob")
    await fail(client, ADA, 5)
    await prolong_the_delay(sql)
    await log_in(client, "bob")


async def test_other_spelling_of_a_name_shares_its_delay(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    await fail(client, ADA, 5)
    await prolong_the_delay(sql)
    assert await fail(client, "ADA@example.org", 1) == [429]


async def test_concurrent_guesses_get_no_more_attempts_than_sequential_ones(
    client: httpx.AsyncClient,
) -> None:
    await register(client)
    started = time.monotonic()
    responses = await asyncio.gather(*(try_to_log_in(client, ADA, WRONG) for _ in range(30)))
    statuses = [response.status_code for response in responses]
    delays_that_passed = int(time.monotonic() - started)
    assert 5 <= statuses.count(401) <= 5 + delays_that_passed
    assert statuses.count(401) + statuses.count(429) == 30


async def test_delay_is_shared_by_replicas_and_survives_a_restart(
    service: Service, database: Database, consumer: Consumer, sql: asyncpg.Connection
) -> None:
    await register(service.client)
    await fail(service.client, ADA, 5)
    await prolong_the_delay(sql)
    async with run_service(database, consumer) as replica:
        assert await fail(replica.client, ADA, 1) == [429]


async def test_attempted_names_are_stored_as_digests(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await fail(client, UNKNOWN, 1)
    assert UNKNOWN not in str(await sql.fetch("SELECT * FROM auth.login_attempts"))


async def test_guesses_of_the_current_password_are_delayed(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    own = await bearer_of(client)
    body = {"current_password": WRONG, "new_password": "another sentence"}
    responses = [await client.put("/v1/me/password", json=body, headers=own) for _ in range(5)]
    assert [response.status_code for response in responses] == [403] * 5
    await prolong_the_delay(sql)
    assert (await client.put("/v1/me/password", json=body, headers=own)).status_code == 429


async def test_attempt_of_a_dead_process_does_not_block_the_name(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    await fail(client, ADA, 1)
    await sql.execute(
        "UPDATE auth.login_attempts SET running = 9, touched_at = now() - interval '61 seconds'"
    )
    await log_in(client)
