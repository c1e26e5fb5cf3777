"""Settlement of jobs: hold the price at the start, extend the hold, charge or release it once at the end.

The order is outcome, then tokens, then state: the outcome is on the row before any token moves, and each step
may be repeated. After a crash, the replica with the next lease therefore completes the settlement.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter

from kit.background import every
from kit.fault_points import fault_point
from kit.identity import ApiKey, ApiKeyId, UserId
from kit.outages import describe_outage
from ml_service.billing.holds import affordable, prorate, release_or_expire, settle_or_hold_again
from ml_service.billing.port import (
    CANNOT_PAY,
    WALLET_NOT_FOUND,
    Action,
    Billing,
    BillingRefusal,
    Charge,
    ChargeKey,
    HoldEnded,
    Receipt,
)
from ml_service.errors import BillingUnavailable, BudgetTooSmall
from ml_service.jobs.context import WorkerContext
from ml_service.jobs.lease_repository import LeaseRepository
from ml_service.jobs.rules import NOUNS, JobKind
from ml_service.jobs.specs import TrainingJobRequest
from ml_service.learning.comparison import AUTO
from ml_service.orm import Job

# A job that is never committed holds tokens for a minute; the hold of a committed one is extended.
FIRST_TTL_SECONDS = 60
TTL_SECONDS = 600
EXTEND_SECONDS = 5.0
MAX_EXTENSIONS = 200
# Above the first time to live, so that the next round extends the hold of a new job.
EXTEND_BEFORE_END = timedelta(seconds=FIRST_TTL_SECONDS * 2)
RETRY_SECONDS = 1.0
# Log events at the end of a job, by kind.
FINISHED: Mapping[str, str] = {kind: f"{noun}_finished" for kind, noun in NOUNS.items()}
FAILED: Mapping[str, str] = {kind: f"{noun}_failed" for kind, noun in NOUNS.items()}
ACTIONS: Mapping[str, Action] = {JobKind.TRAIN: "train", JobKind.BATCH: "batch", JobKind.SCORE: "score"}
JOBS_ENDED = Counter("farebox_jobs_ended_total", "Jobs that this replica ended", ["kind", "outcome"])

log = structlog.stdlib.get_logger()


def charge_of(job: Job) -> Charge:
    """The charge of a job that is not free, equal in all replicas."""
    assert job.hold_key is not None  # noqa: S101 - as the callers have found
    api_key = None
    if job.api_key_id is not None:
        api_key = ApiKey(ApiKeyId(job.api_key_id), frozenset(), job.api_key_cap)
    return Charge(
        key=ChargeKey(job.hold_key),
        user_id=UserId(job.user_id),
        action=ACTIONS[job.kind],
        units=job.units,
        resource=job.model_name,
        api_key=api_key,
        group_id=job.group_id,
        context=job.context,
    )


@contextlib.asynccontextmanager
async def holding_job(billing: Billing, job: Job, charge: Charge | None = None) -> AsyncGenerator[int]:
    """Hold the price of a job before the block that inserts it; yields the tokens.

    The hold is released if the block raises. If the release fails, too, the hold expires.
    """
    hold = await billing.hold(charge or charge_of(job), FIRST_TTL_SECONDS)
    job.tokens_held = hold.tokens
    fault_point("job held")
    try:
        yield hold.tokens
    except BaseException:
        # The cancellation of the request must not cancel the release.
        await asyncio.shield(release_held(billing, job))
        raise


@contextlib.asynccontextmanager
async def holding_price(billing: Billing, job: Job, request: TrainingJobRequest) -> AsyncGenerator[None]:
    """`holding_job` for the number of units that the budget pays for."""
    budget = request.budget.tokens
    if budget is not None:
        job.units = await _affordable_units(billing, job.units, budget)
    async with holding_job(billing, job, replace(charge_of(job), quote_id=request.quote_id)) as tokens:
        if budget is not None and tokens > budget:
            # The units were computed with the current price, and that of the quote is higher.
            raise BudgetTooSmall(budget, tokens)
        yield


async def release_held(billing: Billing, job: Job) -> None:
    """Release the hold of a job that is not inserted."""
    with contextlib.suppress(BillingRefusal):
        await release_or_expire(billing, charge_of(job))


async def _affordable_units(billing: Billing, units: int, budget: int) -> int:
    price = (await billing.prices())["train"]
    units = affordable(units, price.tokens, price.per_units, budget)
    if units == 0:
        raise BudgetTooSmall(budget, price.tokens)
    return units


class HoldExtender:
    """Extends the holds of live jobs while they wait and run."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context

    async def run(self) -> None:
        """Run until cancelled. A hold that expires nevertheless is placed again before the charge."""
        await every(EXTEND_SECONDS, self.extend_all, failure="holds_not_extended")

    async def extend_all(self) -> None:
        """Extend all holds that end soon, without row locks during the calls to billing.

        An extension by two replicas is harmless.
        """
        async with self._context.leases() as leases:
            jobs = await leases.holds_to_extend(EXTEND_BEFORE_END, MAX_EXTENSIONS)
        until = datetime.now(UTC) + timedelta(seconds=TTL_SECONDS)
        extended = await asyncio.gather(*(self._extend(job) for job in jobs))
        async with self._context.leases() as leases:
            done = [job.id for job, is_done in zip(jobs, extended, strict=True) if is_done]
            await leases.set_hold_ends(done, until)

    async def _extend(self, job: Job) -> bool:
        """False when the hold must be extended in the next round."""
        try:
            await self._context.billing.extend(charge_of(job).key, TTL_SECONDS)
        except BillingUnavailable:
            return False
        except HoldEnded:
            log.info("hold_ended_early", job=job.id, user=job.user_id)
        return True


async def retry_until_done(step: Callable[[], Awaitable[None]], job_id: int) -> None:
    """Retry an idempotent step during an outage of billing or the database; raises LeaseLost."""
    while True:
        try:
            await step()
            return
        except Exception as error:
            if not isinstance(error, BillingUnavailable) and describe_outage(error) is None:
                raise
            log.warning("job_end_delayed", job=job_id, error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)


async def settle_job(context: WorkerContext, job_id: int, lease: UUID) -> None:
    """Charge or release the tokens of a job with a recorded outcome, then end it. Raises LeaseLost."""
    async with context.leases() as leases:
        job = await leases.get_leased(job_id, lease)
        due = await _tokens_due(leases, job)
    if job.hold_key is None:
        await _end(context, job, lease, None)
        return
    try:
        # At most the tokens of the first hold, even if it is placed again at a higher price.
        receipt = (
            await settle_or_hold_again(context.billing, charge_of(job), due) if due is not None else None
        )
    except BillingRefusal as refusal:
        if refusal.kind not in CANNOT_PAY:
            raise
        receipt = None
        if job.result is not None:
            job = await _turn_into_failure(context, job, lease, refusal)
    if receipt is None:
        await _release(context, job)
    fault_point("job settled")
    await _end(context, job, lease, receipt)


async def _tokens_due(leases: LeaseRepository, job: Job) -> int | None:
    """The tokens to charge; None charges nothing.

    A comparison without a model is charged for the candidates whose scores its owner has seen.
    """
    if job.result is not None:
        return job.result.get("tokens", job.tokens_held)
    if job.model_type != AUTO:
        return None
    finished = min(await leases.count_finished_candidates(job.id), job.units)
    return prorate(job.tokens_held, job.units, finished) or None


async def _end(context: WorkerContext, job: Job, lease: UUID, receipt: Receipt | None) -> None:
    async with context.leases() as leases:
        job = await leases.get_leased(job.id, lease)
        if receipt is not None:
            job.tokens_charged, job.receipt_id = receipt.tokens, receipt.id
            job.balance_after = receipt.available
        if job.kind in context.kinds:
            kind = context.kinds[job.kind]
            await (kind.succeed if job.result is not None else kind.fail)(leases.session, job)
        if job.result is not None:
            await leases.succeed(job)
        elif job.error is not None:
            await leases.fail(job)
        else:
            await leases.cancel(job)
    fault_point("job ended")
    _log_end(job)
    await _delete_rows(context, job)


async def _turn_into_failure(context: WorkerContext, job: Job, lease: UUID, refusal: BillingRefusal) -> Job:
    """Discard the result: the hold expired during an outage, and its tokens have been spent since."""
    async with context.leases() as leases:
        failed = await leases.get_leased(job.id, lease)
        failed.result, failed.error = None, refusal.to_document()
    # Not before the commit: a worker that has lost the lease must not delete what its successor charges for.
    await _discard_result(context, job)
    return failed


async def _discard_result(context: WorkerContext, job: Job) -> None:
    result = job.result or {}
    if job.kind == JobKind.BATCH:
        await context.results.delete(result["location"])
    elif job.kind == JobKind.TRAIN:
        await context.artefacts.discard(result["artefact"])


async def _release(context: WorkerContext, job: Job) -> None:
    try:
        await context.billing.release(charge_of(job).key)
    except BillingRefusal as refusal:
        if not isinstance(refusal, HoldEnded) and refusal.kind != WALLET_NOT_FOUND:
            raise


async def _delete_rows(context: WorkerContext, job: Job) -> None:
    """Delete the input of a batch; after a crash the sweeper deletes it."""
    if job.location is not None:
        await context.uploads.delete(job.location)


def _log_end(job: Job) -> None:
    code = (
        "succeeded" if job.result is not None else job.error["code"] if job.error is not None else "cancelled"
    )
    JOBS_ENDED.labels(job.kind, code).inc()
    fields = {"user": job.user_id, "job": job.id, "model": job.model_name, "action": job.kind}
    if job.result is not None:
        log.info(FINISHED[job.kind], **fields, amount=job.tokens_charged)
    else:
        log.info(FAILED[job.kind], **fields, amount=job.tokens_charged, code=code)
