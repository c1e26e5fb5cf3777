"""Outbox: events are delivered in order, retried after a failure, and applied once."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter
from sqlalchemy import MetaData, QueuePool
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.background import background_tasks
from kit.database import Database as Connections
from kit.outbox import BATCH, Delivery, Event, Outbox, Relay, first_delivery, inbox_table, outbox_table
from kit.service_tokens import ServiceIdentity
from kit.settings import DatabaseSettings

METADATA = MetaData(schema="probe")
OUTBOX, INBOX = outbox_table(METADATA), inbox_table(METADATA)
EVENTS = TypeAdapter(list[Event])


class Consumer:
    """A service that applies each event once, and refuses the next `refusals` deliveries."""

    def __init__(self) -> None:
        self.taken: list[object] = []
        self.refusals = 0
        self._seen: set[UUID] = set()
        self.app = FastAPI()
        self.app.post("/internal/events")(self.take)

    async def take(self, request: Request) -> Response:
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=503)
        new = [e for e in EVENTS.validate_json(await request.body()) if e.id not in self._seen]
        self._seen |= {event.id for event in new}
        self.taken += [event.data["n"] for event in new]
        return Response(status_code=204)


@pytest.fixture
async def connections(database: Database) -> AsyncIterator[Connections]:
    settings = DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("billing")})
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute("CREATE SCHEMA probe AUTHORIZATION billing_service")
    await admin.close()
    connections = Connections(settings, "probe")
    async with connections.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield connections
    await connections.close()


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
async def relay(connections: Connections, consumer: Consumer) -> AsyncIterator[Relay]:
    identity = ServiceIdentity(DatabaseSettings.model_validate(_settings()), "probe-service")
    transport = httpx.ASGITransport(consumer.app)
    async with httpx.AsyncClient(transport=transport) as client:
        yield Relay(connections, OUTBOX, client, identity)


def _settings() -> dict[str, object]:
    return {"jwt_secret": JWT_SECRET, "db_user": "x", "db_password": "x"}


async def publish(connections: Connections, *numbers: int) -> list[UUID]:
    outbox = Outbox(OUTBOX, ["consumer"])
    async with connections.transaction() as session:
        return [await outbox.publish(session, "counted", {"n": number}) for number in numbers]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def deliver(relay: Relay, *events: UUID) -> None:
    async def all_delivered() -> bool:
        return all([await relay.is_delivered(event, "consumer") for event in events])

    async with background_tasks(relay.follow("consumer", "http://consumer")):
        await until(all_delivered)


async def test_events_are_delivered_in_order(
    connections: Connections, relay: Relay, consumer: Consumer
) -> None:
    numbers = list(range(BATCH * 2 + 5))
    await deliver(relay, *await publish(connections, *numbers))
    assert consumer.taken == numbers


async def test_refused_delivery_is_retried(
    connections: Connections, relay: Relay, consumer: Consumer
) -> None:
    consumer.refusals = 2
    events = await publish(connections, 1, 2)
    await deliver(relay, *events)
    assert consumer.taken == [1, 2]


async def test_event_of_a_rolled_back_transaction_is_never_delivered(
    connections: Connections, relay: Relay, consumer: Consumer
) -> None:
    outbox = Outbox(OUTBOX, ["consumer"])
    async with connections.transaction() as session:
        await outbox.publish(session, "counted", {"n": 0})
        await session.rollback()
    await deliver(relay, *await publish(connections, 1))
    assert consumer.taken == [1]


async def test_no_connection_is_held_while_the_destination_hangs(connections: Connections) -> None:
    receiving, go_on = asyncio.Event(), asyncio.Event()

    async def hang(_request: httpx.Request) -> httpx.Response:
        receiving.set()
        await go_on.wait()
        return httpx.Response(204)

    identity = ServiceIdentity(DatabaseSettings.model_validate(_settings()), "probe-service")
    async with httpx.AsyncClient(transport=httpx.MockTransport(hang)) as client:
        relay = Relay(connections, OUTBOX, client, identity)
        events = await publish(connections, 1)
        delivering = asyncio.create_task(deliver(relay, *events))
        await asyncio.wait_for(receiving.wait(), 5)
        pool = connections.engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.checkedout() == 0
        go_on.set()
        await delivering


async def test_events_that_two_relays_deliver_are_applied_once_and_in_order(
    connections: Connections, relay: Relay, consumer: Consumer
) -> None:
    numbers = list(range(BATCH * 3))
    events = await publish(connections, *numbers)
    async with background_tasks(relay.follow("consumer", "http://consumer")):
        await deliver(relay, *events)
    assert consumer.taken == numbers


async def test_each_destination_receives_its_own_copy(connections: Connections, relay: Relay) -> None:
    outbox = Outbox(OUTBOX, ["consumer", "another"])
    async with connections.transaction() as session:
        event = await outbox.publish(session, "counted", {"n": 1})
    await deliver(relay, event)
    assert not await relay.is_delivered(event, "another")


async def expect(connections: Connections, relay: Relay) -> Delivery:
    async with connections.transaction() as session:
        event = await Outbox(OUTBOX, ["consumer"]).publish(session, "counted", {"n": 1})
        return relay.expect(event, ["consumer"])


async def test_waiting_ends_with_the_delivery_and_without_a_query(
    connections: Connections, relay: Relay, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> bool:
        raise AssertionError("the delivery was looked for in the database")

    monkeypatch.setattr(relay, "is_delivered", refuse)
    async with background_tasks(relay.follow("consumer", "http://consumer")):
        delivery = await expect(connections, relay)
        start = time.monotonic()
        await delivery.wait(10)
    assert consumer.taken == [1]
    assert time.monotonic() - start < 0.2


async def test_waiting_ends_with_a_delivery_by_another_replica(
    connections: Connections, relay: Relay, consumer: Consumer
) -> None:
    async with httpx.AsyncClient() as unused:
        identity = ServiceIdentity(DatabaseSettings.model_validate(_settings()), "probe-service")
        delivery = await expect(connections, Relay(connections, OUTBOX, unused, identity))
    async with background_tasks(relay.follow("consumer", "http://consumer")), asyncio.timeout(5):
        await delivery.wait(30)
    assert consumer.taken == [1]


async def test_waiting_for_a_silent_destination_ends_in_time(connections: Connections, relay: Relay) -> None:
    delivery = await expect(connections, relay)
    start = time.monotonic()
    await delivery.wait(0.3)
    assert 0.3 <= time.monotonic() - start < 2


async def test_repeated_event_is_applied_once(connections: Connections) -> None:
    event = EVENTS.validate_python([_event()])[0]
    outcomes: list[bool] = []
    for _ in range(2):
        async with connections.transaction() as session:
            outcomes.append(await first_delivery(session, INBOX, event))
    assert outcomes == [True, False]


async def test_concurrent_deliveries_of_an_event_are_applied_once(connections: Connections) -> None:
    event = EVENTS.validate_python([_event()])[0]

    async def apply() -> bool:
        async with connections.transaction() as session:
            return await first_delivery(session, INBOX, event)

    assert sorted(await asyncio.gather(*(apply() for _ in range(8)))) == [False] * 7 + [True]


async def test_event_whose_effect_failed_is_applied_on_redelivery(connections: Connections) -> None:
    event = EVENTS.validate_python([_event()])[0]
    async with connections.transaction() as session:
        assert await first_delivery(session, INBOX, event)
        await session.rollback()
    async with connections.transaction() as session:
        assert await first_delivery(session, INBOX, event)


def _event() -> dict[str, object]:
    return {
        "id": "0d4cbb5e-0000-4000-8000-000000000001",
        "kind": "counted",
        "occurred_at": "2026-01-01T00:00:00Z",
        "data": {"n": 1},
    }
