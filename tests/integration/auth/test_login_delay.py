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
    headers_of,
    register,
    run_service,
    try_to_log_in,
)
from tests.support.postgres import Database

from auth_service.main import clean_up
from auth_service.passwords.repository import MAX_KNOWN_NETWORKS
from auth_service.passwords.service import FREE_FAILURES_OF_NAME
from kit.fields import fold_name

UNKNOWN = "nobody@example.org"
WRONG = "not the password"
HOME, ATTACKER = "198.51.100.7", "203.0.113.9"


async def fail(client: httpx.AsyncClient, name: str, times: int, address: str = HOME) -> list[int]:
    return [(await log_in_from(client, address, WRONG, name)).status_code for _ in range(times)]


async def log_in_from(
    client: httpx.AsyncClient, address: str, password: str = PASSWORD, name: str = ADA
) -> httpx.Response:
    body = {"name": name, "password": password}
    return await client.post("/v1/sessions", json=body, headers=at(address))


def at(address: str) -> dict[str, str]:
    """The header by which the gateway reports the client's address."""
    return {"X-Forwarded-For": address}


async def set_failures_of_the_name(service: Service, sql: asyncpg.Connection, failures: int) -> None:
    digest = service.container.secret.digest("login name in all networks", fold_name(ADA).encode())
    changed = await sql.execute(
        "UPDATE auth.login_attempts SET failures = $1 WHERE name_digest = $2", failures, digest
    )
    assert changed == "UPDATE 1"


async def end_the_delay(sql: asyncpg.Connection) -> None:
    await sql.execute("UPDATE auth.login_attempts SET blocked_until = now() WHERE blocked_until IS NOT NULL")


async def prolong_the_delay(sql: asyncpg.Connection) -> None:
    """Prolong an existing delay, so that the test does not have to finish within a second."""
    longer = "UPDATE auth.login_attempts SET blocked_until = now() + interval '1 minute'"
    await sql.execute(f"{longer} WHERE blocked_until > touched_at")


async def delay_in_seconds(sql: asyncpg.Connection) -> float | None:
    delay = await sql.fetchval("SELECT max(blocked_until - touched_at) FROM auth.login_attempts")
    return delay.total_seconds() if delay is not None else None


@pytest.mark.parametrize("name", [ADA, UNKNOWN])
async def test_sixth_failed_attempt_is_429_with_retry_after(
    client: httpx.AsyncClient, sql: asyncpg.Connection, name: str
) -> None:
    await register(client)
    assert await fail(client, name, 5) == [401] * 5
    await prolong_the_delay(sql)
    response = await log_in_from(client, HOME, WRONG, name)
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
    assert (await log_in_from(client, HOME)).status_code == 429
    await end_the_delay(sql)
    assert (await log_in_from(client, HOME)).status_code == 201
    assert await fail(client, ADA, 5) == [401] * 5


async def test_login_succeeds_after_the_delay(client: httpx.AsyncClient) -> None:
    await register(client)
    await fail(client, ADA, 5)

    async def may_log_in() -> bool:
        return (await log_in_from(client, HOME)).status_code == 201

    await eventually(may_log_in)


async def test_delay_of_one_name_does_not_affect_others(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    await register(client, "bob")
    await fail(client, ADA, 5)
    await prolong_the_delay(sql)
    assert (await log_in_from(client, HOME, name="bob")).status_code == 201


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
    assert (await log_in_from(client, HOME)).status_code == 201


async def test_guesses_from_elsewhere_never_lock_the_owner_out(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    for _ in range(3):
        await fail(client, ADA, 5, ATTACKER)
        await prolong_the_delay(sql)
        assert await fail(client, ADA, 1, ATTACKER) == [429]
        own = headers_of((await log_in_from(client, HOME)).json()) | at(HOME)
        body = {"current_password": PASSWORD, "new_password": PASSWORD}
        assert (await client.put("/v1/me/password", json=body, headers=own)).status_code == 204
        await end_the_delay(sql)


async def test_guesses_at_any_route_share_the_delay_of_their_network(
    client: httpx.AsyncClient, sql: asyncpg.Connection
) -> None:
    await register(client)
    own = await bearer_of(client)
    await fail(client, ADA, 5, ATTACKER)
    await prolong_the_delay(sql)
    removal = {"username": ADA, "password": WRONG}
    change = {"current_password": WRONG, "new_password": PASSWORD}
    login = {"email": ADA, "pwd": WRONG}
    responses = [
        await client.request("DELETE", "/remove_user", json=removal, headers=at(ATTACKER)),
        await client.put("/v1/me/password", json=change, headers=own | at(ATTACKER)),
        await client.post("/user/login", json=login, headers=at(ATTACKER)),
        await client.post("/login", json=removal, headers=at(ATTACKER)),
    ]
    assert [response.status_code for response in responses] == [429] * 4
    removal["password"] = PASSWORD
    response = await client.request("DELETE", "/remove_user", json=removal, headers=at(HOME))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("203.0.113.9", "203.0.113.200"),
        ("203.0.113.9", "::ffff:203.0.113.200"),
        ("2001:db8:0:7::1", "2001:db8:0:7:ffff::2"),
        ("no address", "none either"),
    ],
)
async def test_addresses_of_one_network_share_its_delay(
    client: httpx.AsyncClient, sql: asyncpg.Connection, one: str, other: str
) -> None:
    await register(client)
    await fail(client, ADA, 5, one)
    await prolong_the_delay(sql)
    assert await fail(client, ADA, 1, other) == [429]


async def test_guesses_from_many_networks_are_delayed_except_in_networks_of_the_owner(
    service: Service, sql: asyncpg.Connection
) -> None:
    client = service.client
    await register(client)
    assert (await log_in_from(client, HOME)).status_code == 201
    assert await fail(client, ADA, 1, "192.0.2.1") == [401]
    await set_failures_of_the_name(service, sql, FREE_FAILURES_OF_NAME - 1)
    assert await fail(client, ADA, 1, "192.0.3.1") == [401]
    await prolong_the_delay(sql)
    assert await fail(client, ADA, 1, "192.0.4.1") == [429]
    assert (await log_in_from(client, "192.0.5.1")).status_code == 429
    assert (await log_in_from(client, HOME)).status_code == 201
    assert await fail(client, ADA, 1, "192.0.4.1") == [429]


async def test_known_networks_are_digests_of_the_newest_ones_and_end_with_the_account(
    service: Service, sql: asyncpg.Connection
) -> None:
    client = service.client
    await register(client)
    for number in range(MAX_KNOWN_NETWORKS + 2):
        assert (await log_in_from(client, f"192.0.{number}.1")).status_code == 201
    rows = await sql.fetch("SELECT * FROM auth.known_networks ORDER BY used_at")
    assert len(rows) == MAX_KNOWN_NETWORKS
    assert "192.0" not in str(rows)
    await sql.execute(
        "UPDATE auth.known_networks SET used_at = now() - interval '91 days' WHERE network_digest = $1",
        rows[0]["network_digest"],
    )
    await clean_up(service.container)
    assert await sql.fetchval("SELECT count(*) FROM auth.known_networks") == MAX_KNOWN_NETWORKS - 1
    await client.delete("/v1/me", headers=await bearer_of(client))
    assert await sql.fetchval("SELECT count(*) FROM auth.known_networks") == 0
