"""Keeps a job's lease while it is carried out, and hears of a wish to cancel."""

import asyncio
import contextlib
from uuid import UUID

import structlog

from kit.outages import describe_outage
from ml_service.work.parts import Parts
from ml_service.work.repository import LeaseLost

log = structlog.stdlib.get_logger()


class LeaseKeeper:
    def __init__(self, parts: Parts, job_id: int, lease: UUID) -> None:
        self._parts, self._job_id, self._lease = parts, job_id, lease
        self.cancelled = asyncio.Event()

    async def follow(self) -> None:
        """Renew until it is lost."""
        async with self._parts.news.listening(self._job_id) as ear:
            with contextlib.suppress(LeaseLost):
                while True:
                    await self._renew()
                    await ear.wait(self._parts.lease_seconds / 4)

    async def _renew(self) -> None:
        try:
            async with self._parts.leases() as leases:
                renewal = await leases.renew(self._job_id, self._lease)
        except Exception as error:
            # A database that is away for a moment is no reason to throw a fit away; the lease may outlast it.
            if describe_outage(error) is None:
                raise
            log.warning("lease_not_renewed", error=type(error).__name__)
            return
        if renewal.cancel_requested:
            self.cancelled.set()
