"""The queue: fair between groups, then users; scorings first, on half of the workers."""

import asyncpg
from tests.integration.ml.service import ADA, BOB, Service

EVE, GROUP, OTHER = 3, 12, 13


async def queue(
    sql: asyncpg.Connection, user: int, group: int | None = None, kind: str = "train", count: int = 1
) -> None:
    await sql.execute(
        "INSERT INTO ml.jobs (user_id, group_id, kind, model_name, spec, fingerprint, tokens_held)"
        " SELECT $1, $2, $3, 'm', '{}', 'f', 0 FROM generate_series(1, $4)",
        *(user, group, kind, count),
    )


async def claimed(service: Service, count: int, slots: int = 8) -> list[tuple[int, int | None, str]]:
    found: list[tuple[int, int | None, str]] = []
    for _ in range(count):
        async with service.app.state.container.worker.leases() as leases:
            job = await leases.claim(slots, 10)
        if job is not None:
            found.append((job.user_id, job.group_id, job.kind))
    return found


async def test_group_of_many_members_gets_no_more_workers_than_a_user(
    idle: Service, sql: asyncpg.Connection
) -> None:
    for user in (ADA, BOB):
        await queue(sql, user, GROUP, count=3)
    await queue(sql, EVE, count=3)
    assert [job[:2] for job in await claimed(idle, 4)] == [
        (ADA, GROUP),
        (EVE, None),
        (BOB, GROUP),
        (EVE, None),
    ]


async def test_members_of_a_group_take_turns(idle: Service, sql: asyncpg.Connection) -> None:
    await queue(sql, ADA, GROUP, count=3)
    await queue(sql, BOB, GROUP, count=2)
    await queue(sql, EVE, OTHER)
    assert [job[0] for job in await claimed(idle, 5)] == [ADA, EVE, BOB, ADA, BOB]


async def test_scorings_come_first_on_half_of_the_workers(idle: Service, sql: asyncpg.Connection) -> None:
    await queue(sql, ADA, count=4)
    await queue(sql, BOB, GROUP, "score", count=4)
    kinds = [job[2] for job in await claimed(idle, 5, slots=4)]
    assert kinds == ["score", "score", "train"]
