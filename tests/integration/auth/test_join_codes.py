"""Join codes: who is admitted by which, how often, and what a wrong one reveals."""

from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from tests.integration.auth.groups import create_code, create_group, join, member_of, new_member
from tests.integration.auth.service import Json, at_once, bearer_of, code_of, register

Headers = dict[str, str]


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> Headers:
    await register(client)
    return await bearer_of(client)


@pytest.fixture
async def group(client: httpx.AsyncClient, owner: Headers) -> Json:
    return await create_group(client, owner)


async def uses_of(client: httpx.AsyncClient, owner: Headers, group: Json) -> list[int]:
    listed = await client.get(f"/v1/groups/{group['id']}/join-codes", headers=owner)
    return [code["uses"] for code in listed.json()["items"]]


async def test_code_admits_as_a_member(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    code = await create_code(client, owner, group)
    _, ben = await member_of(client, "ben")
    answer = await join(client, ben, f" {code['code'].lower().replace('-', '')} ")
    assert answer.status_code == 201
    assert (answer.json()["group_id"], answer.json()["role"]) == (group["id"], "member")
    assert answer.json()["alias"].startswith("member-")


async def test_second_use_by_a_member_changes_and_counts_nothing(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    code = await create_code(client, owner, group)
    _, ben = await member_of(client, "ben")
    first, second = await join(client, ben, code["code"]), await join(client, ben, code["code"])
    assert first.json() == second.json()
    assert await uses_of(client, owner, group) == [1]


async def test_twenty_presses_at_once_are_one_membership(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    code = await create_code(client, owner, group)
    _, ben = await member_of(client, "ben")
    assert await at_once(*(join(client, ben, code["code"]) for _ in range(20))) == [201] * 20
    assert await uses_of(client, owner, group) == [1]


async def test_uses_are_limited_also_at_once(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    code = await create_code(client, owner, group, max_uses=3)
    callers = [(await member_of(client, f"user{number}"))[1] for number in range(6)]
    assert await at_once(*(join(client, own, code["code"]) for own in callers)) == [201] * 3 + [404] * 3


async def test_wrong_expired_and_used_codes_are_refused_alike(
    client: httpx.AsyncClient, owner: Headers, group: Json, sql: asyncpg.Connection
) -> None:
    used = await create_code(client, owner, group, max_uses=1)
    expired = await create_code(client, owner, group)
    deleted = await create_code(client, owner, group)
    _, ben = await member_of(client, "ben")
    assert (await join(client, ben, used["code"])).status_code == 201
    await sql.execute("UPDATE auth.join_codes SET expires_at = now() WHERE id = $1", expired["id"])
    path = f"/v1/groups/{group['id']}/join-codes/{deleted['id']}"
    assert (await client.delete(path, headers=owner)).status_code == 204
    assert (await client.delete(path, headers=owner)).status_code == 404
    _, cleo = await member_of(client, "cleo")
    codes = (used["code"], expired["code"], deleted["code"], "00000-00000", "?", "ÄÖÜ", "x" * 40)
    answers = [await join(client, cleo, code) for code in codes]
    assert {(answer.status_code, code_of(answer), answer.json()["detail"]) for answer in answers} == {
        (404, "code_unknown", answers[0].json()["detail"])
    }


async def test_expiry_needs_an_offset(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    path = f"/v1/groups/{group['id']}/join-codes"
    response = await client.post(path, json={"expires_at": "2027-01-01T00:00:00"}, headers=owner)
    assert (response.status_code, code_of(response)) == (422, "time_without_offset")
    code = await create_code(client, owner, group, expires_at="2027-01-01T00:00:00+01:00")
    assert code["expires_at"] == "2026-12-31T23:00:00Z"


async def test_code_without_an_expiry_lasts_for_thirty_days(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    code = await create_code(client, owner, group)
    left = datetime.fromisoformat(code["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


async def test_who_left_returns_with_the_same_alias(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    code = await create_code(client, owner, group)
    _, ben = await member_of(client, "ben")
    first = (await join(client, ben, code["code"])).json()
    left = await client.delete(f"/v1/groups/{group['id']}/members/me", headers=ben)
    assert left.status_code == 204
    assert (await join(client, ben, code["code"])).json() == first


async def test_who_was_removed_does_not_return_by_a_common_code(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    await client.delete(f"/v1/groups/{group['id']}/members/{ben_id}", headers=owner)
    code = await create_code(client, owner, group)
    assert code_of(await join(client, ben, code["code"])) == "code_unknown"
    assert (await uses_of(client, owner, group))[0] == 0


async def test_number_of_codes_is_limited(
    client: httpx.AsyncClient, owner: Headers, group: Json, sql: asyncpg.Connection
) -> None:
    await sql.execute(
        "INSERT INTO auth.join_codes (group_id, code, only_roster, max_uses, expires_at)"
        " SELECT $1, 'code ' || number, false, 1, now() FROM generate_series(1, 100) AS number",
        group["id"],
    )
    response = await client.post(f"/v1/groups/{group['id']}/join-codes", json={}, headers=owner)
    assert (response.status_code, code_of(response)) == (409, "too_many_join_codes")


async def test_code_of_another_group_cannot_be_deleted(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    other = await create_group(client, owner)
    code = await create_code(client, owner, other)
    response = await client.delete(f"/v1/groups/{group['id']}/join-codes/{code['id']}", headers=owner)
    assert (response.status_code, code_of(response)) == (404, "join_code_not_found")
