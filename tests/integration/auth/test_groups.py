"""Groups: their creation, members and roles, and what a removed or deleted user leaves."""

import asyncio

import asyncpg
import httpx
import pytest
from tests.integration.auth.groups import create_code, create_group, join, member_of, new_member
from tests.integration.auth.service import (
    Consumer,
    Json,
    admin_bearer,
    at_once,
    bearer_of,
    code_of,
    register,
    run_service,
)
from tests.support.postgres import Database

Headers = dict[str, str]


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> Headers:
    await register(client)
    return await bearer_of(client)


@pytest.fixture
async def group(client: httpx.AsyncClient, owner: Headers) -> Json:
    return await create_group(client, owner)


def path_of(group: Json, rest: str = "") -> str:
    return f"/v1/groups/{group['id']}{rest}"


async def test_creator_owns_the_group(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    assert group | {"id": 0} == {
        "id": 0,
        "name": "Statistics 2",
        "kind": "class",
        "time_zone": "Europe/Berlin",
        "state": "active",
        "role": "owner",
    }
    assert (await client.get(path_of(group), headers=owner)).json() == group
    assert (await client.get("/v1/groups", headers=owner)).json()["items"] == [group]


@pytest.mark.parametrize(
    "field",
    [{"time_zone": "Mars/Phobos"}, {"time_zone": "../UTC"}, {"kind": "gang"}, {"name": " "}, {"owner": 1}],
)
async def test_invalid_group_is_refused(client: httpx.AsyncClient, owner: Headers, field: Json) -> None:
    body = {"name": "Statistics 2", "kind": "class", "time_zone": "Europe/Berlin"} | field
    response = await client.post("/v1/groups", json=body, headers=owner)
    assert (response.status_code, code_of(response)) == (422, "invalid_input")
    assert (await client.get("/v1/groups", headers=owner)).json()["items"] == []


async def test_repeated_creation_with_a_key_is_one_group(client: httpx.AsyncClient, owner: Headers) -> None:
    headers = owner | {"Idempotency-Key": "k"}
    first, second = await create_group(client, headers), await create_group(client, headers)
    assert first == second
    assert len((await client.get("/v1/groups", headers=owner)).json()["items"]) == 1


async def test_number_of_owned_groups_is_limited_also_at_once(database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer, max_groups=3) as service:
        await register(service.client)
        own = await bearer_of(service.client)
        body = {"name": "x", "kind": "lab", "time_zone": "UTC"}
        requests = [service.client.post("/v1/groups", json=body, headers=own) for _ in range(8)]
        assert await at_once(*requests) == [201] * 3 + [409] * 5


async def test_stranger_sees_no_group(client: httpx.AsyncClient, group: Json) -> None:
    await register(client, "eve@example.org")
    eve = await bearer_of(client, "eve@example.org")
    for method, rest in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/members"), ("GET", "/roster")]:
        response = await client.request(method, path_of(group, rest), json={}, headers=eve)
        assert (response.status_code, code_of(response)) == (404, "group_not_found"), (method, rest)
    assert (await client.get("/v1/groups", headers=eve)).json()["items"] == []
    assert (await client.get("/v1/groups?all=true", headers=eve)).status_code == 403


async def test_member_sees_the_group_and_changes_nothing(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    _, ben = await new_member(client, owner, group, "ben")
    assert (await client.get(path_of(group), headers=ben)).json() == group | {"role": "member"}
    for method, rest, body in [
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("GET", "/join-codes", None),
        ("POST", "/join-codes", {}),
        ("GET", "/roster", None),
    ]:
        response = await client.request(method, path_of(group, rest), json=body, headers=ben)
        assert (response.status_code, code_of(response)) == (403, "forbidden"), (method, rest)


async def test_owner_changes_the_group(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    change = {"name": "Statistics 3", "time_zone": "America/Santiago"}
    changed = await client.patch(path_of(group), json=change, headers=owner)
    assert changed.json() == group | change


async def test_archived_group_admits_nobody(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    code = await create_code(client, owner, group)
    await client.patch(path_of(group), json={"state": "archived"}, headers=owner)
    await register(client, "ben")
    response = await join(client, await bearer_of(client, "ben"), code["code"])
    assert (response.status_code, code_of(response)) == (404, "code_unknown")
    refused = await client.post(path_of(group, "/join-codes"), json={}, headers=owner)
    assert (refused.status_code, code_of(refused)) == (409, "group_archived")


async def test_only_an_owner_gives_roles(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    path = path_of(group, f"/members/{ben_id}")
    assert (await client.patch(path, json={"role": "owner"}, headers=ben)).status_code == 403
    assert (await client.patch(path, json={"role": "assistant"}, headers=owner)).json()["role"] == "assistant"
    assert (await client.patch(path, json={"role": "owner"}, headers=ben)).status_code == 403
    assert (await client.get(path_of(group, "/members"), headers=ben)).status_code == 200


async def test_assistant_removes_members_only(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    cleo_id, cleo = await new_member(client, owner, group, "cleo")
    for user_id in (ben_id, cleo_id):
        await client.patch(path_of(group, f"/members/{user_id}"), json={"role": "assistant"}, headers=owner)
    assert (await client.delete(path_of(group, f"/members/{cleo_id}"), headers=ben)).status_code == 403
    await client.patch(path_of(group, f"/members/{cleo_id}"), json={"role": "member"}, headers=owner)
    assert (await client.delete(path_of(group, f"/members/{cleo_id}"), headers=ben)).status_code == 204
    assert (await client.get(path_of(group), headers=cleo)).status_code == 404


async def test_last_owner_stays(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    ben_id, _ = await new_member(client, owner, group, "ben")
    me = (await client.get("/v1/me", headers=owner)).json()["id"]
    for request in (
        client.delete(path_of(group, "/members/me"), headers=owner),
        client.patch(path_of(group, f"/members/{me}"), json={"role": "member"}, headers=owner),
        client.delete("/v1/me", headers=owner),
    ):
        response = await request
        assert (response.status_code, code_of(response)) == (409, "last_owner")
    await client.patch(path_of(group, f"/members/{ben_id}"), json={"role": "owner"}, headers=owner)
    assert (await client.delete(path_of(group, "/members/me"), headers=owner)).status_code == 204


async def test_two_owners_cannot_leave_at_the_same_time(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    await client.patch(path_of(group, f"/members/{ben_id}"), json={"role": "owner"}, headers=owner)
    leave = path_of(group, "/members/me")
    assert await at_once(client.delete(leave, headers=owner), client.delete(leave, headers=ben)) == [204, 409]


async def test_administrator_gives_an_orphaned_group_an_owner(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    ben_id, ben = await new_member(client, owner, group, "ben")
    me = (await client.get("/v1/me", headers=owner)).json()["id"]
    admin = await admin_bearer(client)
    assert (await client.delete(f"/v1/users/{me}", headers=admin)).status_code == 204
    assert (await client.get(path_of(group), headers=admin)).json()["role"] is None
    assert [
        each["id"] for each in (await client.get("/v1/groups?all=true", headers=admin)).json()["items"]
    ] == [group["id"]]
    path = path_of(group, f"/members/{ben_id}")
    assert (await client.patch(path, json={"role": "owner"}, headers=admin)).status_code == 200
    assert (await client.get(path_of(group), headers=ben)).json()["role"] == "owner"


async def test_alias_is_unique_in_the_group(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    _, ben = await new_member(client, owner, group, "ben")
    path = path_of(group, "/members/me")
    assert (await client.patch(path, json={"alias": "Falcon"}, headers=owner)).json()["alias"] == "Falcon"
    assert (await client.patch(path, json={"alias": "falcon"}, headers=ben)).status_code == 422
    assert (await client.patch(path, json={"alias": "Otter"}, headers=ben)).json()["alias"] == "Otter"


async def test_deletion_leaves_no_row(
    client: httpx.AsyncClient, owner: Headers, group: Json, sql: asyncpg.Connection
) -> None:
    await new_member(client, owner, group, "ben")
    assert (await client.delete(path_of(group), headers=owner)).status_code == 204
    assert (await client.get(path_of(group), headers=owner)).status_code == 404
    for count in (
        "SELECT count(*) FROM auth.groups",
        "SELECT count(*) FROM auth.memberships",
        "SELECT count(*) FROM auth.join_codes",
    ):
        assert await sql.fetchval(count) == 0


async def test_members_are_listed_in_pages(client: httpx.AsyncClient, owner: Headers, group: Json) -> None:
    ids = [(await new_member(client, owner, group, f"user{number}"))[0] for number in range(4)]
    path = path_of(group, "/members")
    first = (await client.get(f"{path}?page_size=3", headers=owner)).json()
    rest = (await client.get(f"{path}?page_token={first['next_page_token']}", headers=owner)).json()
    listed = [member["user_id"] for member in (*first["items"], *rest["items"])]
    assert listed[:4] == ids[::-1]
    assert len(listed) == len(set(listed)) == 5


async def test_number_of_members_is_limited_also_at_once(database: Database, consumer: Consumer) -> None:
    async with run_service(database, consumer, max_members=10) as service:
        await register(service.client)
        own = await bearer_of(service.client)
        group = await create_group(service.client, own)
        code = await create_code(service.client, own, group)
        callers = [await member_of(service.client, f"user{number}") for number in range(12)]
        joining = [join(service.client, headers, code["code"]) for _, headers in callers]
        statuses = sorted(response.status_code for response in await asyncio.gather(*joining))
        assert statuses == [201] * 9 + [409] * 3


async def test_export_shows_memberships_and_what_rosters_say(
    client: httpx.AsyncClient, owner: Headers, group: Json
) -> None:
    roster = b"external_id,account,name\n17,ben,Ben Miller\n"
    path = path_of(group, "/roster")
    compared = await client.put(path, content=roster, headers=owner)
    seen = {"If-Match": compared.headers["ETag"]}
    await client.put(f"{path}?apply=true", content=roster, headers=owner | seen)
    _, ben = await new_member(client, owner, group, "ben")
    [record] = (await client.get("/v1/me/export", headers=ben)).json()["memberships"]
    assert (record["group"], record["role"], record["removed_at"]) == ("Statistics 2", "member", None)
    assert (record["external_id"], record["name"]) == ("17", "Ben Miller")
    await client.delete(path_of(group, "/members/me"), headers=ben)
    [ended] = (await client.get("/v1/me/export", headers=ben)).json()["memberships"]
    assert ended["removed_at"] is not None
