"""Jobs over HTTP: trainings are requested, jobs listed, followed and cancelled."""

from collections.abc import AsyncGenerator
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.fields import LARGEST_ID, RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused, IdempotencyTwinRunning
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS, QUOTE_EXPIRED, QUOTE_NOT_FOUND
from ml_service.callers import TrainCaller
from ml_service.errors import (
    BudgetTooSmall,
    DatasetNotFound,
    JobEnded,
    JobNotFound,
    ModelNameTaken,
    ModelNameUnusable,
)
from ml_service.jobs.models import JobEvent
from ml_service.jobs.queue import Queue
from ml_service.jobs.schemas import JobView, TrainingRequest
from ml_service.jobs.service import JobService
from ml_service.learning.model_types import MODEL_TYPE_ERRORS
from ml_service.learning.training import TRAINING_ERRORS

router = strict_router("/v1", ["jobs"])

JobId = RowIdInPath
LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0, le=LARGEST_ID)]


async def _jobs(request: Request) -> JobService:
    return request.app.state.container.jobs


async def _queue(request: Request) -> Queue:
    return request.app.state.container.queue_estimates


Jobs = Annotated[JobService, Depends(_jobs)]
JobQueue = Annotated[Queue, Depends(_queue)]


@router.post(
    "/models",
    status_code=202,
    tags=["models"],
    responses=documented(
        DatasetNotFound,
        ModelNameTaken,
        ModelNameUnusable,
        *CHARGE_ERRORS,
        QUOTE_NOT_FOUND,
        QUOTE_EXPIRED,
        BudgetTooSmall,
        IdempotencyKeyReused,
        IdempotencyTwinRunning,
        *MODEL_TYPE_ERRORS,
        *TRAINING_ERRORS,
    ),
)
async def start_training(
    request: TrainingRequest,
    response: Response,
    caller: TrainCaller,
    jobs: Jobs,
    queue: JobQueue,
    key: IdempotencyKey = None,
) -> JobView:
    """Check the order, hold its price and queue a training job; it is charged when the model is there."""
    started = await jobs.start(caller, request.to_order(), key)
    response.headers["Location"] = f"/v1/jobs/{started.job.id}"
    if started.replayed:
        response.headers.update(REPLAYED)
    return JobView.of(started.job, await queue.outlooks([started.job]))


@router.get("/jobs")
async def list_jobs(caller: Reader, jobs: Jobs, queue: JobQueue, page: RequestedPage) -> Page[JobView]:
    """Your jobs, newest first."""
    found = await jobs.list_page(caller.user_id, page)
    outlooks = await queue.outlooks(found)
    return page.page_of(found, lambda job: JobView.of(job, outlooks), lambda job: job.id)


@router.get("/jobs/{job_id}", responses=documented(JobNotFound))
async def show_job(job_id: JobId, caller: Reader, jobs: Jobs, queue: JobQueue) -> JobView:
    """One job: its state, stage and percent, and in the end what it cost or why it failed."""
    job = await jobs.get(caller.user_id, job_id)
    return JobView.of(job, await queue.outlooks([job]))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}} | documented(JobNotFound),
)
async def follow_job(
    job_id: JobId, caller: Reader, jobs: Jobs, last_event_id: LastEventId = 0
) -> StreamingResponse:
    """Its history as Server-Sent Events, past and to come, until the job has ended."""
    job = await jobs.get(caller.user_id, job_id)
    stream = _as_event_stream(jobs.history(job, last_event_id))
    return StreamingResponse(
        stream,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.post("/jobs/{job_id}/cancel", status_code=202, responses=documented(JobNotFound, JobEnded))
async def cancel_job(job_id: JobId, caller: TrainCaller, jobs: Jobs, queue: JobQueue) -> JobView:
    """Stop a job, also in the middle of a fit; its tokens are given back."""
    job = await jobs.cancel(caller.user_id, job_id)
    return JobView.of(job, await queue.outlooks([job]))


async def _as_event_stream(history: AsyncGenerator[JobEvent | None]) -> AsyncGenerator[bytes]:
    async for event in history:
        if event is None:
            yield b": still here\n\n"
            continue
        data = orjson.dumps({"at": event.at, **event.data}).decode()
        yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n".encode()
