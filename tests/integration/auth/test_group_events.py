"""Group events: other services learn every change of groups and memberships before its answer."""

import asyncio
import time

import asyncpg
import httpx
import pytest
from tests.integration.auth.groups import create_code, create_group, join, member_of, new_member
from tests.integration.auth.service import Consumer, Json, bearer_of, register, run_service
from tests.support.postgres import Database

Headers = dict[str, str]
SERVICES = ("billing-service", "ml-service")


@pytest.fixture
async def owner(client: httpx.AsyncClient) -> Headers:
    await register(client)
    return await bearer_of(client)


@pytest.fixture
async def group(client: httpx.AsyncClient, owner: Headers) -> Json:
    return await create_group(client, owner)


def memberships(consumer: Consumer, user_id: int, service: str = "ml-service") -> list[Json]:
    events = consumer.data_of(service, "membership_changed")
    return [event for event in events if event["user_id"] == user_id]


async def test_a_new_group_is_known_with_its_owner(group: Json, consumer: Consumer) -> None:
    for service in SERVICES:
        (created,) = consumer.data_of(service, "group_changed")
        (owner,) = consumer.data_of(service, "membership_changed")
        assert created == {
            "group_id": group["id"],
            "name": "Statistics 2",
            "kind": "class",
            "time_zone": "Europe/Berlin",
            "state": "active",
        }
        assert (owner["group_id"], owner["role"], owner["state"]) == (group["id"], "owner", "active")


async def test_changes_of_a_group_and_its_deletion_are_known(
    client: httpx.AsyncClient, owner: Headers, group: Json, consumer: Consumer
) -> None:
    path = f"/v1/groups/{group['id']}"
    await client.patch(path, json={"state": "archived", "time_zone": "Asia/Kolkata"}, headers=owner)
    await client.delete(path, headers=owner)
    for service in SERVICES:
        changed = consumer.data_of(service, "group_changed")[-1]
        assert (changed["state"], changed["time_zone"]) == ("archived", "Asia/Kolkata")
        assert consumer.data_of(service, "group_deleted") == [{"group_id": group["id"]}]


async def test_joining_changing_and_leaving_are_known_in_this_order(
    client: httpx.AsyncClient, owner: Headers, group: Json, consumer: Consumer
) -> None:
    user_id, own = await new_member(client, owner, group, "bob@example.org")
    path = f"/v1/groups/{group['id']}/members"
    await client.patch(f"{path}/me", json={"alias": "Bobby"}, headers=own)
    await client.patch(f"{path}/{user_id}", json={"role": "assistant"}, headers=owner)
    await client.delete(f"{path}/me", headers=own)
    for service in SERVICES:
        states = [(e["role"], e["state"]) for e in memberships(consumer, user_id, service)]
        assert states == [
            ("member", "active"),
            ("member", "active"),
            ("assistant", "active"),
            ("assistant", "removed"),
        ]
        assert [e["alias"] for e in memberships(consumer, user_id, service)][1:] == ["Bobby"] * 3


async def test_the_roster_gives_members_their_names_and_takes_seats_away(
    client: httpx.AsyncClient, owner: Headers, group: Json, consumer: Consumer
) -> None:
    path = f"/v1/groups/{group['id']}/roster"

    async def put(text: str, **query: str) -> None:
        compared = await client.put(path, content=text, params=query, headers=owner)
        headers = owner | {"If-Match": compared.headers["ETag"]}
        applied = await client.put(path, content=text, params=query | {"apply": "true"}, headers=headers)
        assert applied.json()["applied"] is True

    await put("external_id,name,account\n17,Bob Roe,bob@example.org\n18,Eve Roe,\n")
    user_id, _ = await new_member(client, owner, group, "bob@example.org")
    await put("external_id,name,account\n17,Robert Roe,bob@example.org\n18,Eve Roe,\n")
    await put("external_id,name,account\n18,Eve Roe,\n", remove_missing="true")
    known = [(e["external_id"], e["member_name"], e["state"]) for e in memberships(consumer, user_id)]
    assert known == [
        ("17", "Bob Roe", "active"),
        ("17", "Robert Roe", "active"),
        (None, None, "removed"),
    ]


async def test_answers_come_while_the_other_services_are_down(database: Database) -> None:
    async with run_service(database, None) as service:
        client = service.client
        await register(client)
        owner = await bearer_of(client)
        began = time.monotonic()
        group = await create_group(client, owner)
        assert 1.5 < time.monotonic() - began < 4
        assert (await client.get(f"/v1/groups/{group['id']}", headers=owner)).status_code == 200


async def test_many_joins_at_once_occupy_no_connections(
    client: httpx.AsyncClient, owner: Headers, group: Json, sql: asyncpg.Connection
) -> None:
    code = (await create_code(client, owner, group))["code"]
    people = [await member_of(client, f"member{number}@example.org") for number in range(30)]
    async with sql.transaction():
        # As a transaction of another replica does that changes the group.
        await sql.execute("SELECT FROM auth.groups WHERE id = $1 FOR UPDATE", group["id"])
        joins = [asyncio.create_task(join(client, own, code)) for _, own in people]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        changed = await client.patch("/v1/me", json={"display_name": "Ada"}, headers=owner)
        assert changed.status_code == 200
        assert time.monotonic() - began < 1
        assert not any(each.done() for each in joins)
    assert {(await each).status_code for each in joins} == {201}
    assert await sql.fetchval("SELECT count(*) FROM auth.memberships") == 31
