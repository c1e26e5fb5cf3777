"""Jobs over HTTP: start a training; list, follow and cancel jobs."""

from collections.abc import AsyncIterable
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning, ServiceError
from kit.fields import LARGEST_ID, RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
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
from ml_service.jobs.estimates import QueueEstimates
from ml_service.jobs.schemas import JobView, TrainingRequest
from ml_service.jobs.service import JobService, StartedJob
from ml_service.learning.model_types import MODEL_TYPE_ERRORS
from ml_service.learning.training import TRAINING_ERRORS
from ml_service.orm import Job

router = strict_router("/v1")

JobId = RowIdInPath


async def _jobs(request: Request) -> JobService:
    return request.app.state.container.jobs


async def _estimates(request: Request) -> QueueEstimates:
    return request.app.state.container.queue_estimates


Jobs = Annotated[JobService, Depends(_jobs)]
Estimates = Annotated[QueueEstimates, Depends(_estimates)]
LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0, le=LARGEST_ID)]


async def _own_job(job_id: JobId, caller: Reader, jobs: Jobs) -> Job:
    return await jobs.get(caller.user_id, job_id)


async def _forbid_caching(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


OwnJob = Annotated[Job, Depends(_own_job)]


def _documented_as_json(
    *errors: type[ServiceError],
) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """Like `documented`; FastAPI would give the errors of an event stream the stream's media type."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": response["description"], "content": content}
        for status, response in documented(*errors).items()
    }


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
    estimates: Estimates,
    key: IdempotencyKey = None,
) -> JobView:
    """Check the request, hold its price and queue a training; it is charged once the model is stored."""
    started = await jobs.start(caller, request.to_job_request(), key)
    response.headers.update(headers_of(started))
    return JobView.of(started.job, await estimates.for_jobs([started.job]))


@router.get("/jobs", tags=["jobs"])
async def list_jobs(caller: Reader, jobs: Jobs, estimates: Estimates, page: RequestedPage) -> Page[JobView]:
    """Your jobs, newest first."""
    found = await jobs.list_page(caller.user_id, page)
    estimated = await estimates.for_jobs(found)
    return page.page_of(found, lambda job: JobView.of(job, estimated), lambda job: job.id)


@router.get("/jobs/{job_id}", tags=["jobs"], responses=documented(JobNotFound))
async def show_job(job: OwnJob, estimates: Estimates) -> JobView:
    """One job: its state, stage and percentage; at its end its cost or the reason of its failure."""
    return JobView.of(job, await estimates.for_jobs([job]))


@router.get(
    "/jobs/{job_id}/events",
    tags=["jobs"],
    response_class=EventSourceResponse,
    dependencies=[Depends(_forbid_caching)],
    responses=_documented_as_json(JobNotFound),
)
async def follow_job(
    job: OwnJob, jobs: Jobs, last_event_id: LastEventId = 0
) -> AsyncIterable[ServerSentEvent]:
    """The job's history as Server-Sent Events, past and future, until the job has ended."""
    async for event in jobs.history(job, last_event_id):
        data = orjson.dumps({"at": event.at, **event.data}).decode()
        yield ServerSentEvent(id=str(event.id), event=event.kind, raw_data=data)


@router.post(
    "/jobs/{job_id}/cancel", status_code=202, tags=["jobs"], responses=documented(JobNotFound, JobEnded)
)
async def cancel_job(job_id: JobId, caller: TrainCaller, jobs: Jobs, estimates: Estimates) -> JobView:
    """Cancel a job, also in the middle of a fit; its tokens are released."""
    job = await jobs.cancel(caller.user_id, job_id)
    return JobView.of(job, await estimates.for_jobs([job]))


def headers_of(started: StartedJob) -> dict[str, str]:
    """Headers of an answer that started a job, or repeats the first answer for its Idempotency-Key."""
    return {"Location": f"/v1/jobs/{started.job.id}", **(REPLAYED if started.replayed else {})}
