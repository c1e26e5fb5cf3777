"""The end of a job: tokens move once, then the row says so.

The outcome is on the row before any token moves, and each step may be repeated, so whoever holds the lease
next finishes what a dead replica began.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog

from kit.errors import ServiceError
from kit.outages import describe_outage
from ml_service.billing.charging import settle_surely
from ml_service.billing.port import CANNOT_PAY, WALLET_NOT_FOUND, BillingRefusal, HoldEnded, Receipt
from ml_service.errors import BillingUnavailable
from ml_service.jobs.gauges import JOBS_ENDED
from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobKind
from ml_service.work.charges import charge_of
from ml_service.work.parts import Parts

RETRY_SECONDS = 1.0
# What the log calls the end of a job of each kind.
FINISHED: Mapping[str, str] = {JobKind.TRAIN: "training_finished", JobKind.BATCH: "batch_finished"}
FAILED: Mapping[str, str] = {JobKind.TRAIN: "training_failed", JobKind.BATCH: "batch_failed"}

log = structlog.stdlib.get_logger()


async def surely(step: Callable[[], Awaitable[None]], job_id: int) -> None:
    """Do this step, which may be repeated, as soon as nothing that we stand on is away; raises LeaseLost."""
    while True:
        try:
            await step()
            return
        except Exception as error:
            if not isinstance(error, BillingUnavailable) and describe_outage(error) is None:
                raise
            log.warning("job_end_delayed", job=job_id, error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)


async def conclude(parts: Parts, job_id: int, lease: UUID) -> None:
    async with parts.leases() as leases:
        job = await leases.get_mine(job_id, lease)
    if job.result is not None:
        try:
            # Never more than was held at first, also when the hold is placed again at a higher price.
            due = job.result.get("tokens", job.tokens_held)
            receipt = await settle_surely(parts.billing, charge_of(job), due)
        except BillingRefusal as refusal:
            if refusal.kind not in CANNOT_PAY:
                raise
            job = await _turn_into_failure(parts, job, lease, refusal)
        else:
            await _succeed(parts, job, lease, receipt)
            return
    await _release(parts, job)
    await _end_unpaid(parts, job, lease)


async def _succeed(parts: Parts, job: Job, lease: UUID, receipt: Receipt) -> None:
    async with parts.leases() as leases:
        await leases.succeed(await leases.get_mine(job.id, lease), receipt)
    _tell(FINISHED, job, amount=receipt.tokens)
    await _forget_rows(parts, job)


async def _turn_into_failure(parts: Parts, job: Job, lease: UUID, refusal: ServiceError) -> Job:
    """The hold expired while billing or we were away, and the tokens have gone elsewhere since."""
    await _discard_result(parts, job)
    async with parts.leases() as leases:
        job = await leases.get_mine(job.id, lease)
        job.result = None
        job.error = refusal.to_document()
    return job


async def _discard_result(parts: Parts, job: Job) -> None:
    made = job.result or {}
    if job.kind == JobKind.BATCH:
        await parts.results.delete(made["location"])
    else:
        await parts.artefacts.discard(made["artefact"])


async def _forget_rows(parts: Parts, job: Job) -> None:
    """Should we die before or be cut off here, as the lease ended with the job, the sweeper finds them."""
    if job.location is not None:
        await parts.uploads.delete(job.location)


async def _release(parts: Parts, job: Job) -> None:
    try:
        await parts.billing.release(charge_of(job).key)
    except BillingRefusal as refusal:
        if not isinstance(refusal, HoldEnded) and refusal.kind != WALLET_NOT_FOUND:
            raise


async def _end_unpaid(parts: Parts, job: Job, lease: UUID) -> None:
    async with parts.leases() as leases:
        job = await leases.get_mine(job.id, lease)
        if job.error is not None:
            await leases.fail(job)
        else:
            await leases.cancel(job)
    _tell(FAILED, job, code=job.error["code"] if job.error is not None else "cancelled")
    await _forget_rows(parts, job)


def _tell(events: Mapping[str, str], job: Job, **facts: object) -> None:
    JOBS_ENDED.labels(job.kind, facts.get("code", "succeeded")).inc()
    log.info(events[job.kind], user=job.user_id, job=job.id, model=job.model_name, action=job.kind, **facts)
