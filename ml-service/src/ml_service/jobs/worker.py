"""One attempt at a job, by the replica that holds its lease."""

import asyncio
import contextlib
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars

from kit.outages import describe_outage
from ml_service.jobs.models import Job
from ml_service.work.conclusion import conclude, surely
from ml_service.work.kinds import find_carrier
from ml_service.work.lease import LeaseKeeper
from ml_service.work.notes import Notes
from ml_service.work.parts import Parts
from ml_service.work.repository import LeaseLost
from ml_service.work.rules import GiveUp, Retry, retry_or_give_up
from ml_service.work.run import Outcome, Run

log = structlog.stdlib.get_logger()


class Attempt:
    def __init__(self, parts: Parts, job: Job, lease: UUID) -> None:
        self._parts, self._job, self._lease = parts, job, lease
        self._notes = Notes()
        self._keeper = LeaseKeeper(parts, job.id, lease)

    async def carry_out(self) -> None:
        """Ends with the job concluded, handed back, or in another replica's hands."""
        bind_contextvars(request_id=self._job.request_id, user=self._job.user_id, job=self._job.id)
        noting = self._notes.follow(self._parts, self._job.id, self._lease)
        helpers = [asyncio.create_task(self._keeper.follow()), asyncio.create_task(noting)]
        working = asyncio.create_task(self._work_or_hand_back())
        try:
            # The lease's keeper ends only when the lease is lost.
            await asyncio.wait({working, helpers[0]}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [*helpers, working]
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for crash in outcomes:
            if isinstance(crash, Exception) and not isinstance(crash, LeaseLost):
                raise crash

    async def _work_or_hand_back(self) -> None:
        try:
            await self._work()
        except LeaseLost:
            return
        except asyncio.CancelledError:
            # This replica is stopping; another one need not wait for the lease to run out.
            with contextlib.suppress(LeaseLost):
                await self._hand_back(0)
            raise

    async def _work(self) -> None:
        """Raises LeaseLost."""
        job = self._job
        if job.result is None and job.error is None and job.cancel_requested_at is None:
            outcome = await self._try()
            if isinstance(outcome, Retry):
                pause = outcome.after_seconds
                await self._notes.written()
                await surely(lambda: self._hand_back(pause), job.id)
                return
            # Before anything that may take time: what is recorded is not worked for again.
            await surely(lambda: self._record(outcome), job.id)
            await self._notes.written()
        await surely(lambda: conclude(self._parts, job.id, self._lease), job.id)

    async def _try(self) -> Outcome | None:
        try:
            return await self._try_unless_cancelled()
        except Exception as error:
            if describe_outage(error) is None:
                raise
            log.warning("attempt_interrupted", error=type(error).__name__)
            return retry_or_give_up(self._job.kind, self._job.attempts)

    async def _try_unless_cancelled(self) -> Outcome | None:
        """None when its owner cancelled it."""
        too_often = retry_or_give_up(self._job.kind, self._job.attempts - 1)
        if isinstance(too_often, GiveUp):
            return too_often
        run = Run(self._parts, self._job, self._lease, self._notes)
        trying = asyncio.ensure_future(find_carrier(self._job)(run))
        cancelled = asyncio.create_task(self._keeper.cancelled.wait())
        try:
            await asyncio.wait({trying, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            return trying.result() if trying.done() else None
        finally:
            for task in (trying, cancelled):
                task.cancel()
            await asyncio.gather(trying, cancelled, return_exceptions=True)

    async def _hand_back(self, after_seconds: float) -> None:
        async with self._parts.leases() as leases:
            await leases.hand_back(await leases.get_mine(self._job.id, self._lease), after_seconds)

    async def _record(self, outcome: Outcome | None) -> None:
        async with self._parts.leases() as leases:
            job = await leases.get_mine(self._job.id, self._lease)
            match outcome:
                case GiveUp(code, detail, members):
                    job.error = {"code": code, "detail": detail, "members": dict(members)}
                case dict() if job.cancel_requested_at is None:
                    job.result = outcome
                case _:
                    return
