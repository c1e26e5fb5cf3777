"""Notifications of job changes: subscriptions of workers, and one reader of events for all followers."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence

from kit.background import every, wait_for_event
from kit.database import Database
from ml_service.jobs.repository import JobRepository
from ml_service.orm import JobEvent

# A notification may be lost with its connection, which `read_all` repairs; this repairs the rest.
REREAD_SECONDS = 10.0
RETRY_SECONDS = 1.0
MAX_JOBS_AT_ONCE = 500


class Subscription:
    """A subscription to job changes; a change between two waits is not missed."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for a change, at most this long: a notification may be lost with its connection."""
        await wait_for_event(self.changed, seconds)


class JobNotifications:
    def __init__(self) -> None:
        self._subscriptions: defaultdict[int | None, set[Subscription]] = defaultdict(set)

    @contextlib.asynccontextmanager
    async def subscribe(self, job_id: int | None = None) -> AsyncGenerator[Subscription]:
        """Subscribe to the changes of one job, or of all."""
        subscription = Subscription()
        self._subscriptions[job_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[job_id].discard(subscription)
            if not self._subscriptions[job_id]:
                del self._subscriptions[job_id]

    def receive(self, payload: str) -> None:
        """Wake the subscribers of the job with this id."""
        for job_id in (int(payload), None):
            for subscription in self._subscriptions.get(job_id, ()):
                subscription.changed.set()

    def wake_all(self) -> None:
        """Let all subscribers look at the database, since notifications may have been lost."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.changed.set()


class Follower:
    """One stream of a job's events after the event `after`."""

    def __init__(self, after: int) -> None:
        self.after, self.has_ended = after, False
        self._events: list[JobEvent] = []
        self._changed = asyncio.Event()

    async def read(self, seconds: float = REREAD_SECONDS) -> Sequence[JobEvent]:
        """Wait for further events or the job's end, at most this long; returns the events."""
        if not self._events and not self.has_ended:
            await wait_for_event(self._changed, seconds)
        events, self._events = self._events, []
        return events

    def receive(self, events: Sequence[JobEvent], *, has_ended: bool) -> None:
        new = [event for event in events if event.id > self.after]
        if new:
            self.after = new[-1].id
            self._events += new
        if new or has_ended:
            self.has_ended = has_ended
            self._changed.set()


class JobFeed:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers: defaultdict[int, set[Follower]] = defaultdict(set)
        self._changed: set[int] = set()
        self._wake = asyncio.Event()

    @contextlib.asynccontextmanager
    async def follow(self, job_id: int, after: int = 0) -> AsyncGenerator[Follower]:
        """Follow a job; the first read returns what has happened before."""
        follower = Follower(after)
        self._followers[job_id].add(follower)
        self._mark(job_id)
        try:
            yield follower
        finally:
            self._followers[job_id].discard(follower)
            if not self._followers[job_id]:
                del self._followers[job_id]

    def receive(self, payload: str) -> None:
        """Read the events of the job with this id, if any request follows it."""
        if (job_id := int(payload)) in self._followers:
            self._mark(job_id)

    def read_all(self) -> None:
        """Read the events of all followed jobs, since notifications may have been lost."""
        for job_id in self._followers:
            self._mark(job_id)

    async def run(self) -> None:
        """Read until cancelled; what an outage of the database interrupts is read again."""
        await every(REREAD_SECONDS, self._read_changed, failure="events_not_read", wake=self._wake)

    def _mark(self, job_id: int) -> None:
        self._changed.add(job_id)
        self._wake.set()

    async def _read_changed(self) -> None:
        if not self._changed:
            self.read_all()
        while self._changed:
            # Jobs that change during the read are marked again.
            job_ids = [self._changed.pop() for _ in range(min(len(self._changed), MAX_JOBS_AT_ONCE))]
            try:
                await self._read([job_id for job_id in job_ids if job_id in self._followers])
            except BaseException:
                self._changed.update(job_ids)
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._wake.set)
                raise

    async def _read(self, job_ids: Sequence[int]) -> None:
        cursors = {job_id: min(each.after for each in self._followers[job_id]) for job_id in job_ids}
        if not cursors:
            return
        async with self._database.read() as session:
            repository = JobRepository(session)
            # The states before the events: a job that ends in between is read again.
            live = await repository.find_live(job_ids)
            events: defaultdict[int, list[JobEvent]] = defaultdict(list)
            for event in await repository.events_after(cursors):
                events[event.job_id].append(event)
        for job_id in job_ids:
            for follower in self._followers.get(job_id, ()):
                if follower.after >= cursors[job_id]:
                    follower.receive(events[job_id], has_ended=job_id not in live)
