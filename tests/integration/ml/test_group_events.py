"""Events of auth-service about groups: ml-service knows groups and members in the order of their changes."""

from collections.abc import Sequence

import asyncpg
import pytest
from tests.integration.ml.events import GROUP, deliver, event, group, member
from tests.integration.ml.service import ADA, BOB, Json, Service


async def members(sql: asyncpg.Connection) -> Sequence[tuple[object, ...]]:
    rows = await sql.fetch("SELECT user_id, role, state, alias FROM ml.members ORDER BY user_id")
    return [tuple(row) for row in rows]


async def test_newest_event_of_a_group_counts(idle: Service, sql: asyncpg.Connection) -> None:
    assert await deliver(idle, group(), group(name="Statistics 2", state="archived")) == 204
    rows = await sql.fetch("SELECT group_id, name, time_zone, state FROM ml.groups")
    assert [tuple(row) for row in rows] == [(GROUP, "Statistics 2", "UTC", "archived")]


async def test_member_may_be_reported_before_the_group(idle: Service, sql: asyncpg.Connection) -> None:
    assert await deliver(idle, member(ADA, role="owner"), member(BOB), group()) == 204
    assert await members(sql) == [
        (ADA, "owner", "active", "Falcon"),
        (BOB, "member", "active", "Falcon"),
    ]


async def test_removed_member_is_no_active_one(idle: Service, sql: asyncpg.Connection) -> None:
    await deliver(idle, group(), member(ADA), member(ADA, state="removed", new_field=1))
    assert await members(sql) == [(ADA, "member", "removed", "Falcon")]


async def test_deletion_of_a_group_takes_its_members(idle: Service, sql: asyncpg.Connection) -> None:
    await deliver(idle, group(), member(ADA), event("group_deleted", group_id=GROUP))
    assert await members(sql) == []
    assert await sql.fetchval("SELECT count(*) FROM ml.groups") == 0


async def test_repeated_event_is_applied_once(idle: Service, sql: asyncpg.Connection) -> None:
    first = member(ADA)
    await deliver(idle, first, member(ADA, role="owner"))
    assert await deliver(idle, first) == 204
    assert await members(sql) == [(ADA, "owner", "active", "Falcon")]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("group_deleted", {}),
        (
            "group_changed",
            {"group_id": GROUP, "name": "x", "kind": "club", "time_zone": "UTC", "state": "active"},
        ),
        (
            "membership_changed",
            {"group_id": GROUP, "user_id": 0, "role": "owner", "state": "active", "alias": "x"},
        ),
        (
            "membership_changed",
            {"group_id": GROUP, "user_id": 1, "role": "king", "state": "active", "alias": "x"},
        ),
    ],
)
async def test_event_with_other_data_is_refused(idle: Service, kind: str, data: Json) -> None:
    assert await deliver(idle, event(kind) | {"data": data}) == 422
