"""Outbox: events between services, written with their cause, delivered at least once, applied once.

The publisher inserts one row for each destination in the transaction of the cause. The relay posts rows in
order and deletes delivered ones. The consumer records the event's id in the transaction of its effect.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

import httpx
from pydantic import BaseModel
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    MetaData,
    Row,
    Table,
    Text,
    Uuid,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.ext.asyncio import AsyncSession

from kit.background import every
from kit.database import Database
from kit.fault_points import fault_point
from kit.service_tokens import ServiceIdentity

BATCH = 100
IDLE_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 5.0
# Between looks for deliveries by the relay of another replica.
POLL_SECONDS = 0.25


class Event(BaseModel):
    """An event from one service to another; `kind` determines the fields of `data`."""

    id: UUID
    kind: str
    occurred_at: datetime
    data: dict[str, str | int | bool | None]


def outbox_table(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("destination", Text, nullable=False, index=True),
        Column("kind", Text, nullable=False),
        Column("data", JSONB, nullable=False),
        Column("occurred_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


def inbox_table(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


class Outbox:
    """Writes a publisher's events, one row for each destination."""

    def __init__(self, table: Table, destinations: Sequence[str]) -> None:
        self._table, self._destinations = table, destinations

    async def publish(
        self, session: AsyncSession, kind: str, data: dict[str, str | int | bool | None]
    ) -> UUID:
        event_id = uuid4()
        rows = [
            {"event_id": event_id, "destination": destination, "kind": kind, "data": data}
            for destination in self._destinations
        ]
        await session.execute(insert(self._table), rows)
        return event_id


async def first_delivery(session: AsyncSession, inbox: Table, event: Event) -> bool:
    """Record the event; False when it was already applied."""
    statement = (
        insert_or_skip(inbox).values(event_id=event.id).on_conflict_do_nothing().returning(inbox.c.event_id)
    )
    return (await session.execute(statement)).first() is not None


@dataclass(frozen=True)
class Delivery:
    """An event on its way; `arrivals` are set by this process when a destination has applied it."""

    relay: "Relay"
    event_id: UUID
    arrivals: Mapping[str, asyncio.Event]

    async def wait(self, seconds: float) -> None:
        """Return when all destinations have applied the event, or after `seconds`."""
        self.relay.nudge()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for destination, arrival in self.arrivals.items():
                    await self._follow(destination, arrival)

    async def _follow(self, destination: str, arrival: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await arrival.wait()
                    return
            # The relay of another replica may have delivered it.
            if await self.relay.is_delivered(self.event_id, destination):
                return


class Relay:
    """Delivers one destination's rows in order, until cancelled."""

    def __init__(
        self, database: Database, table: Table, client: httpx.AsyncClient, identity: ServiceIdentity
    ) -> None:
        self._database, self._table = database, table
        self._client, self._identity = client, identity
        self._wake: dict[str, asyncio.Event] = {}
        self._expected: WeakValueDictionary[tuple[UUID, str], asyncio.Event] = WeakValueDictionary()

    def nudge(self) -> None:
        """Deliver immediately, without waiting for the next round."""
        for wake in self._wake.values():
            wake.set()

    def expect(self, event_id: UUID, destinations: Sequence[str]) -> Delivery:
        """Note an event before its commit, so that its delivery cannot be missed."""
        arrivals = {destination: asyncio.Event() for destination in destinations}
        for destination, arrival in arrivals.items():
            self._expected[event_id, destination] = arrival
        return Delivery(self, event_id, arrivals)

    async def is_delivered(self, event_id: UUID, destination: str) -> bool:
        async with self._database.read() as session:
            waiting = select(self._table.c.position).where(
                self._table.c.event_id == event_id, self._table.c.destination == destination
            )
            return (await session.execute(waiting)).first() is None

    async def follow(self, destination: str, url: str) -> None:
        async def deliver() -> None:
            # Rows stay when their delivery fails, and the next round tries again.
            while await self._deliver_batch(destination, url):
                pass

        await every(
            IDLE_SECONDS,
            deliver,
            failure="events_not_delivered",
            wake=self._wake.setdefault(destination, asyncio.Event()),
            longest_backoff=LONGEST_BACKOFF_SECONDS,
        )

    async def _deliver_batch(self, destination: str, url: str) -> bool:
        """True when the batch was full, so more rows may be waiting."""
        rows = await self._oldest(destination)
        if not rows:
            return False
        # No connection is held meanwhile: a destination may hang. Another replica may send the same rows, but
        # each sends all that precede its last one, so the consumer applies each once and in order.
        events = [Event(id=r.event_id, kind=r.kind, occurred_at=r.occurred_at, data=r.data) for r in rows]
        response = await self._client.post(
            f"{url}/internal/events",
            json=[event.model_dump(mode="json") for event in events],
            headers=self._identity.headers_for(destination),
            timeout=10,
        )
        response.raise_for_status()
        fault_point("event delivered")
        delivered = [row.position for row in rows]
        async with self._database.autocommit() as session:
            await session.execute(delete(self._table).where(self._table.c.position.in_(delivered)))
        for event in events:
            if (arrival := self._expected.get((event.id, destination))) is not None:
                arrival.set()
        return len(rows) == BATCH

    async def _oldest(self, destination: str) -> Sequence[Row[Any]]:  # Any: a Table's row
        statement = (
            select(self._table)
            .where(self._table.c.destination == destination)
            .order_by(self._table.c.position)
            .limit(BATCH)
        )
        async with self._database.read() as session:
            return (await session.execute(statement)).all()
