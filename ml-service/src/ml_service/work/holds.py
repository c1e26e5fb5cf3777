"""Keeps the tokens of live jobs set aside, however long they wait and run."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from kit.outages import describe_outage
from ml_service.billing.port import HoldEnded, HoldKey
from ml_service.errors import BillingUnavailable
from ml_service.jobs.models import Job
from ml_service.work.charges import FIRST_TTL_SECONDS, TTL_SECONDS
from ml_service.work.parts import Parts

LOOK_SECONDS = 5.0
MOST_AT_ONCE = 200
# More than the first time to live, so that a new job's hold is extended at the next look.
BEFORE_THE_END = timedelta(seconds=FIRST_TTL_SECONDS * 2)

log = structlog.stdlib.get_logger()


class HoldKeeper:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def follow(self) -> None:
        while True:
            try:
                await self.extend_all()
            except Exception as error:
                # A hold that ends for want of an extension is placed again before its job is paid.
                log.warning("holds_not_extended", error=type(error).__name__, outage=describe_outage(error))
            await asyncio.sleep(LOOK_SECONDS)

    async def extend_all(self) -> None:
        """No row is locked while billing is asked; that two replicas extend the same hold harms nobody."""
        async with self._parts.leases() as leases:
            jobs = await leases.holds_to_extend(BEFORE_THE_END, MOST_AT_ONCE)
        until = datetime.now(UTC) + timedelta(seconds=TTL_SECONDS)
        extended = await asyncio.gather(*(self._extend(job) for job in jobs))
        async with self._parts.leases() as leases:
            await leases.note_holds([job.id for job, done in zip(jobs, extended, strict=True) if done], until)

    async def _extend(self, job: Job) -> bool:
        """Whether this hold needs no further look for a while."""
        try:
            await self._parts.billing.extend(HoldKey(job.hold_key), TTL_SECONDS)
        except BillingUnavailable:
            return False
        except HoldEnded:
            log.info("hold_ended_early", job=job.id, user=job.user_id)
        return True
