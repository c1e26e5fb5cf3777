"""Worker of jobs: claim one, renew its lease, run its handler, then settle, requeue or fail it."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog

from kit.background import every
from kit.fault_points import fault_point
from kit.log_fields import bind_fields
from kit.outages import describe_outage
from ml_service.jobs.cluster import ClusterLost
from ml_service.jobs.context import JobContext, Outcome, Progress, WorkerContext
from ml_service.jobs.estimate_rules import MOST_SHORT_SECONDS
from ml_service.jobs.handlers import find_handler
from ml_service.jobs.lease_repository import LeaseLost, Turn
from ml_service.jobs.rules import Duration, GiveUp, Retry, exhausted, retry_or_give_up
from ml_service.jobs.settlement import retry_until_done, settle_job
from ml_service.orm import Job

POLL_SECONDS = 1.0


class MadeRoom:
    """Outcome of an overdue job, which runs again as a long one."""


MADE_ROOM = MadeRoom()

log = structlog.stdlib.get_logger()


class Worker:
    """Claims jobs and runs as many at once as the cluster has workers."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._attempts: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until cancelled, then requeue the jobs in progress."""
        try:
            async with self._context.notifications.subscribe() as jobs:
                await every(POLL_SECONDS, self._claim_all, failure="jobs_not_claimed", wake=jobs.changed)
        finally:
            for attempt in self._attempts:
                attempt.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _claim_all(self) -> None:
        while (job := await self._claim()) is not None:
            self._start(job)

    async def _claim(self) -> Job | None:
        slots = await self._context.cluster.slots()
        async with self._context.leases() as leases:
            return await leases.claim(slots, self._context.max_running_per_user)

    def _start(self, job: Job) -> None:
        fault_point("job claimed")
        if job.lease is None:
            return
        attempt = asyncio.create_task(Attempt(self._context, job, job.lease).run())
        self._attempts.add(attempt)
        attempt.add_done_callback(self._on_end)

    def _on_end(self, attempt: "asyncio.Task[None]") -> None:
        self._attempts.discard(attempt)
        if not attempt.cancelled() and (crash := attempt.exception()) is not None:
            # The lease expires and the job is claimed again, up to the limit of attempts.
            log.error("attempt_crashed", exc_info=crash)


class Attempt:
    """One attempt at a job by the replica with its lease."""

    def __init__(self, context: WorkerContext, job: Job, lease: UUID) -> None:
        self._context, self._job, self._lease = context, job, lease
        self._progress = Progress()
        self._renewer = LeaseRenewer(context, job.id, lease)

    async def run(self) -> None:
        """Run until the job has ended, is queued again, or another replica has its lease."""
        bind_fields(request_id=self._job.request_id, user=self._job.user_id, job=self._job.id)
        renewing = asyncio.create_task(self._renewer.renew_until_lost())
        writing = asyncio.create_task(self._progress.write_forever(self._context, self._job.id, self._lease))
        working = asyncio.create_task(self._work_or_requeue())
        try:
            await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [renewing, writing, working]
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for crash in outcomes:
            if isinstance(crash, Exception) and not isinstance(crash, LeaseLost):
                raise crash

    async def _work_or_requeue(self) -> None:
        try:
            await self._work()
        except LeaseLost:
            return
        except asyncio.CancelledError:
            # At shutdown, so that another replica need not wait until the lease expires.
            again = retry_or_give_up(self._job.kind, self._job.attempts, "the service was restarted")
            with contextlib.suppress(LeaseLost):
                await self._requeue(replace(again, after_seconds=0) if isinstance(again, Retry) else None)
            raise

    async def _work(self) -> None:
        """Handle the job unless its outcome is recorded, then settle it. Raises LeaseLost."""
        job = self._job
        if job.result is None and job.error is None and job.cancel_requested_at is None:
            outcome = await self._handle()
            if isinstance(outcome, Retry):
                again = outcome
                await self._progress.flush()
                await retry_until_done(lambda: self._requeue(again), job.id)
                return
            if isinstance(outcome, MadeRoom):
                await self._progress.flush()
                await retry_until_done(self._demote, job.id)
                return
            # Record the outcome before any slow step: an attempt with a recorded outcome is not repeated.
            await retry_until_done(lambda: self._record(outcome), job.id)
            await self._progress.flush()
        await retry_until_done(lambda: settle_job(self._context, job.id, self._lease), job.id)

    async def _handle(self) -> Outcome | MadeRoom | None:
        """The handler's outcome, or a retry after an outage; None if the owner cancelled the job."""
        failure = exhausted(self._job.kind, self._job.attempts - 1)
        if failure is not None:
            return failure
        try:
            return await self._handle_unless_cancelled()
        except Exception as error:
            if describe_outage(error) is None:
                raise
            log.warning("attempt_interrupted", error=type(error).__name__)
            is_lost = isinstance(error, ClusterLost)
            reason = "the cluster was lost" if is_lost else "the service was interrupted"
            return retry_or_give_up(self._job.kind, self._job.attempts, reason)

    async def _handle_unless_cancelled(self) -> Outcome | MadeRoom | None:
        context = JobContext(self._context, self._job, self._lease, self._progress)
        handling = asyncio.ensure_future(find_handler(self._context, self._job)(context))
        cancelled = asyncio.create_task(self._renewer.cancelled.wait())
        needed = asyncio.create_task(self._wait_until_worker_is_needed())
        waiting: set[asyncio.Future[Any]] = {handling, cancelled, needed}  # Any: outcomes of several types
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if handling.done():
                return handling.result()
            return None if cancelled.done() else needed.result()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _wait_until_worker_is_needed(self) -> MadeRoom:
        """Return once this job is overdue and its worker is needed for another user's; raises LeaseLost."""
        turn: Turn = "long" if self._job.duration == Duration.LONG else "wait"
        # A worker may have to start first.
        await self._progress.started.wait()
        pause = MOST_SHORT_SECONDS
        while turn == "wait":
            await asyncio.sleep(pause)
            turn, pause = await self._continue_overdue(), POLL_SECONDS
        if turn == "long":
            await asyncio.Event().wait()
        return MADE_ROOM

    async def _continue_overdue(self) -> Turn:
        slots = self._context.cluster.known_slots
        if slots == 0:
            return "wait"
        try:
            async with self._context.leases() as leases:
                return await leases.continue_overdue(self._job.id, self._lease, slots)
        except Exception as error:
            if describe_outage(error) is None:
                raise
            log.warning("turn_not_decided", error=type(error).__name__)
            return "wait"

    async def _requeue(self, again: Retry | None) -> None:
        async with self._context.leases() as leases:
            await leases.requeue(await leases.get_leased(self._job.id, self._lease), again)

    async def _demote(self) -> None:
        async with self._context.leases() as leases:
            await leases.demote(await leases.get_leased(self._job.id, self._lease))

    async def _record(self, outcome: Outcome | None) -> None:
        async with self._context.leases() as leases:
            job = await leases.get_leased(self._job.id, self._lease)
            match outcome:
                case GiveUp(code, detail, members):
                    job.error = {"code": code, "detail": detail, "members": dict(members)}
                case dict() if job.cancel_requested_at is None:
                    job.result = outcome
                case _:
                    return


class LeaseRenewer:
    """Renews the lease of a job during an attempt, and reports its cancellation."""

    def __init__(self, context: WorkerContext, job_id: int, lease: UUID) -> None:
        self._context, self._job_id, self._lease = context, job_id, lease
        self.cancelled = asyncio.Event()

    async def renew_until_lost(self) -> None:
        async with self._context.notifications.subscribe(self._job_id) as subscription:
            with contextlib.suppress(LeaseLost):
                while True:
                    await self._renew()
                    await subscription.wait(self._context.lease_seconds / 4)

    async def _renew(self) -> None:
        try:
            is_cancelled = await self._context.renew_lease(self._job_id, self._lease)
        except Exception as error:
            # A short outage of the database must not discard a fit; the lease may outlast it.
            if describe_outage(error) is None:
                raise
            log.warning("lease_not_renewed", error=type(error).__name__)
            return
        if is_cancelled:
            self.cancelled.set()
