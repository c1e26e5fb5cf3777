"""Feed of job events: one reader for all streams, which end with the right to read them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from tests.integration.ml.service import ADA, Service, eventually, settings_of
from tests.integration.ml.serving import serving
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from kit.database import Database as ServiceDatabase
from kit.trust_store import Revocation, TrustUpdate
from ml_service.jobs.notifications import JobFeed
from ml_service.jobs.repository import JobRepository
from ml_service.main import create_app

FOLLOWERS = 300
SECONDS = 3


class OneRevocation:
    """A trust source that revokes a generation of a user's tokens on request."""

    def __init__(self) -> None:
        self.is_revoked = False

    async def updates(self, since: int) -> TrustUpdate:
        revocations = [Revocation(user_id=ADA, generation=10**6)] if self.is_revoked else []
        return TrustUpdate(cursor=since + 1, revocations=revocations)


@contextmanager
def counting(service: Service, word: str) -> Iterator[list[str]]:
    """Collect the statements with this word that the service's sessions execute."""
    statements: list[str] = []

    def record(
        _connection: object, _cursor: object, statement: str, *_rest: Any
    ) -> None:  # Any: SQLAlchemy's
        if word in statement:
            statements.append(statement)

    database: ServiceDatabase = service.app.state.container.database
    engines = [database.engine.sync_engine, database._read_engine.sync_engine]  # pyright: ignore[reportPrivateUsage] - to observe
    for engine in engines:
        event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", record)


def feed_of(service: Service) -> JobFeed:
    return service.app.state.container.jobs._feed  # pyright: ignore[reportPrivateUsage] - to follow without HTTP


async def record_event(service: Service, job_id: int, kind: str) -> None:
    database: ServiceDatabase = service.app.state.container.database
    async with database.transaction() as session:
        await JobRepository(session).record(job_id, kind)


async def test_followers_of_waiting_jobs_cost_no_queries(idle: Service) -> None:
    job = await idle.start()
    received: list[str] = []

    async def follow() -> None:
        async with feed_of(idle).follow(job["id"]) as follower:
            while not follower.has_ended:
                received.extend(each.kind for each in await follower.read())

    followers = [asyncio.create_task(follow()) for _ in range(FOLLOWERS)]
    await eventually(lambda: _has(received, "queued"))
    with counting(idle, "job_events") as statements:
        await asyncio.sleep(SECONDS)
        await record_event(idle, job["id"], "stage")
        await eventually(lambda: _has(received, "stage"))
    # The insertion of the event, and one read for all followers.
    assert len(statements) <= 4, statements
    await idle.client.post(f"/v1/jobs/{job['id']}/cancel", headers=bearer(ADA))
    await asyncio.gather(*followers)
    assert received.count("cancelled") == FOLLOWERS


async def _has(received: list[str], kind: str) -> bool:
    return received.count(kind) == FOLLOWERS


async def test_follower_of_an_ended_job_gets_its_events_after_the_last_seen_one(idle: Service) -> None:
    job = await idle.start()
    await idle.client.post(f"/v1/jobs/{job['id']}/cancel", headers=bearer(ADA))
    await idle.ended(job)
    async with feed_of(idle).follow(job["id"]) as follower:
        everything = await follower.read()
    async with feed_of(idle).follow(job["id"], everything[-2].id) as resumed:
        rest = await resumed.read()
    assert [each.kind for each in everything] == ["queued", "cancel_requested", "cancelled"]
    assert [each.kind for each in rest] == ["cancelled"]
    assert resumed.has_ended


async def test_outage_of_the_database_delays_the_events(
    idle: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await idle.start()
    events_after = JobRepository.events_after
    failures: list[str] = []

    async def fail_twice(repository: JobRepository, cursors: dict[int, int]) -> object:
        if len(failures) < 2:
            failures.append("lost")
            raise ConnectionError("The connection was lost.")
        return await events_after(repository, cursors)

    monkeypatch.setattr(JobRepository, "events_after", fail_twice)
    async with feed_of(idle).follow(job["id"]) as follower:
        async with asyncio.timeout(8):
            events = await follower.read()
    assert [each.kind for each in events] == ["queued"]
    assert len(failures) == 2


async def read_to_the_end(client: httpx.AsyncClient, job_id: int, headers: dict[str, str]) -> list[str]:
    """The kinds of the events until the server closes the stream."""
    async with client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
        return [line async for line in answer.aiter_lines() if line.startswith("event: ")]


async def test_event_stream_ends_within_five_seconds_of_a_revocation(
    database: Database, tmp_path: Path, billing: MemoryBilling
) -> None:
    trust = OneRevocation()
    app = create_app(settings_of(database, tmp_path), billing, trust)
    async with (
        app.router.lifespan_context(app),
        serving(app) as address,
        httpx.AsyncClient(base_url=address, timeout=20) as client,
    ):
        service = Service(app, client, billing, tmp_path, database)
        await eventually(lambda: _is_ready(service))
        job = await service.start()
        stream = asyncio.create_task(read_to_the_end(client, job["id"], bearer(ADA)))
        done, _ = await asyncio.wait([stream], timeout=SECONDS)
        assert not done
        trust.is_revoked = True
        async with asyncio.timeout(5):
            assert await stream == ["event: queued"]


async def test_event_stream_ends_within_five_seconds_of_its_tokens_expiry(idle: Service) -> None:
    job = await idle.start()
    async with serving(idle.app) as address, httpx.AsyncClient(base_url=address, timeout=20) as client:
        async with asyncio.timeout(2 + 5):
            kinds = await read_to_the_end(client, job["id"], bearer(ADA, lifetime=2))
    assert kinds == ["event: queued"]


async def _is_ready(service: Service) -> bool:
    return (await service.client.get("/v1/datasets", headers=bearer(ADA))).status_code == 200


@pytest.mark.parametrize("sent", ["", "-1", "+1", "01", "1.0", " 1", "1_0", "1e3", "٣", "9" * 20, str(2**63)])
async def test_last_event_id_is_a_decimal_number_and_nothing_else(idle: Service, sent: str) -> None:
    job = await idle.start()
    headers = bearer(ADA) | {"Last-Event-ID": sent}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await idle.client.get(f"/v1/jobs/{job['id']}/events", headers=encoded)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
