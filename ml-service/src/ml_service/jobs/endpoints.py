"""Jobs over HTTP: start a training; list, follow and cancel jobs."""

from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from kit.app import StrictRoute, strict_router
from kit.authentication import Reader, authenticate
from kit.errors import (
    Forbidden,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    ServiceError,
    Unauthenticated,
)
from kit.fields import NotNegative, RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.billing.port import CHARGE_ERRORS, QUOTE_EXPIRED, QUOTE_NOT_FOUND
from ml_service.callers import PayingTrainCaller, TrainCaller
from ml_service.challenge_errors import ChallengeNotFound
from ml_service.errors import (
    AccountDeleted,
    BudgetTooSmall,
    DatasetNotFound,
    JobEnded,
    JobNotFound,
    ModelNameTaken,
    ModelNameUnusable,
    TooManyJobsQueued,
)
from ml_service.jobs.estimates import QueueEstimates
from ml_service.jobs.schemas import JobView, TrainingRequest
from ml_service.jobs.service import JobService, StartedJob
from ml_service.learning.model_types import MODEL_TYPE_ERRORS
from ml_service.learning.training import TRAINING_ERRORS
from ml_service.orm import Job
from ml_service.store.errors import STORAGE_ERRORS


class EventStreamRoute(StrictRoute):
    """A route with `Cache-Control: no-store`, as for all private answers; FastAPI sets `no-cache`."""

    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # Any: FastAPI's own type
        handle = super().get_route_handler()

        async def handle_uncached(request: Request) -> Response:
            response = await handle(request)
            response.headers["Cache-Control"] = "no-store"
            return response

        return handle_uncached


router = strict_router("/v1")
event_streams = APIRouter(route_class=EventStreamRoute)

JobId = RowIdInPath


async def _jobs(request: Request) -> JobService:
    return request.app.state.container.jobs


async def _estimates(request: Request) -> QueueEstimates:
    return request.app.state.container.queue_estimates


Jobs = Annotated[JobService, Depends(_jobs)]
Estimates = Annotated[QueueEstimates, Depends(_estimates)]
LastEventId = Annotated[NotNegative, Header(alias="Last-Event-ID")]


async def _own_job(job_id: JobId, caller: Reader, jobs: Jobs) -> Job:
    return await jobs.get(caller.user_id, job_id)


OwnJob = Annotated[Job, Depends(_own_job)]


def _documented_as_json(
    *errors: type[ServiceError],
) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """`documented` with the media type JSON; FastAPI would document the errors as event streams."""
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
        ChallengeNotFound,
        *STORAGE_ERRORS,
        ModelNameTaken,
        ModelNameUnusable,
        *CHARGE_ERRORS,
        QUOTE_NOT_FOUND,
        QUOTE_EXPIRED,
        BudgetTooSmall,
        TooManyJobsQueued,
        AccountDeleted,
        IdempotencyKeyReused,
        IdempotencyTwinRunning,
        *MODEL_TYPE_ERRORS,
        *TRAINING_ERRORS,
    ),
)
async def start_training(
    request: TrainingRequest,
    response: Response,
    caller: PayingTrainCaller,
    jobs: Jobs,
    estimates: Estimates,
    key: IdempotencyKey = None,
) -> JobView:
    """Check a training, hold its price and queue it; a stored model is charged."""
    started = await jobs.start(caller, request.to_job_request(), key)
    response.headers.update(headers_of(started))
    return JobView.of(started.job, await estimates.for_jobs([started.job]))


@router.get("/jobs", tags=["jobs"])
async def list_jobs(caller: Reader, jobs: Jobs, estimates: Estimates, page: RequestedPage) -> Page[JobView]:
    """Your jobs, newest first."""
    rows = await jobs.list_page(caller.user_id, page)
    estimated, comparisons = await estimates.for_jobs(rows), await jobs.comparisons(rows)
    return page.page_of(rows, lambda job: JobView.of(job, estimated, comparisons), lambda job: job.id)


@router.get("/jobs/{job_id}", tags=["jobs"], responses=documented(JobNotFound))
async def show_job(job: OwnJob, jobs: Jobs, estimates: Estimates) -> JobView:
    """A job: its state, stage and progress, and its cost or error once it has ended."""
    return JobView.of(job, await estimates.for_jobs([job]), await jobs.comparisons([job]))


@event_streams.get(
    "/jobs/{job_id}/events",
    tags=["jobs"],
    response_class=EventSourceResponse,
    responses=_documented_as_json(JobNotFound),
)
async def follow_job(
    request: Request, job: OwnJob, jobs: Jobs, last_event_id: LastEventId = 0
) -> AsyncIterable[ServerSentEvent]:
    """Stream the job's events as Server-Sent Events until its end; `Last-Event-ID` resumes the stream.

    The stream ends within five seconds after the token has expired or was revoked.
    """

    def is_allowed() -> bool:
        container, authorization = request.app.state.container, request.headers["authorization"]
        try:
            authenticate(container.authentication, authorization, "read")
        except (Unauthenticated, Forbidden):
            return False
        return True

    async for event in jobs.history(job, last_event_id, is_allowed):
        data = orjson.dumps({"at": event.at, **event.data}).decode()
        yield ServerSentEvent(id=str(event.id), event=event.kind, raw_data=data)


@router.post(
    "/jobs/{job_id}/cancel", status_code=202, tags=["jobs"], responses=documented(JobNotFound, JobEnded)
)
async def cancel_job(job_id: JobId, caller: TrainCaller, jobs: Jobs, estimates: Estimates) -> JobView:
    """Cancel a queued or running job; its tokens are released.

    A comparison is charged for the candidates that have finished, since their scores are known.
    """
    job = await jobs.cancel(caller.user_id, job_id)
    return JobView.of(job, await estimates.for_jobs([job]))


router.include_router(event_streams)


def headers_of(started: StartedJob) -> dict[str, str]:
    """Headers of an answer about a started job, or about the first one of its Idempotency-Key."""
    return {"Location": f"/v1/jobs/{started.job.id}", **(REPLAYED if started.replayed else {})}
