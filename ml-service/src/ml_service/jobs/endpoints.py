"""Jobs over HTTP."""

from collections.abc import AsyncGenerator
from typing import Annotated

import orjson
from fastapi import Header, Path
from fastapi.responses import StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.fields import LARGEST_ID
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.callers import TrainCaller
from ml_service.dependencies import JobQueue, Jobs
from ml_service.errors import JobEnded, JobNotFound
from ml_service.jobs.models import JobEvent
from ml_service.jobs.schemas import JobView

router = strict_router("/v1/jobs", ["jobs"])

JobId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
LastEventId = Annotated[int, Header(alias="Last-Event-ID", ge=0, le=LARGEST_ID)]


@router.get("")
async def list_jobs(caller: Reader, jobs: Jobs, queue: JobQueue, page: RequestedPage) -> Page[JobView]:
    """Your jobs, newest first."""
    found = await jobs.list_page(caller.user_id, page)
    outlooks = await queue.outlooks(found)
    return page.page_of(found, lambda job: JobView.of(job, outlooks), lambda job: job.id)


@router.get("/{job_id}", responses=documented(JobNotFound))
async def show_job(job_id: JobId, caller: Reader, jobs: Jobs, queue: JobQueue) -> JobView:
    """One job: its state, stage and percent, and in the end what it cost or why it failed."""
    job = await jobs.get(caller.user_id, job_id)
    return JobView.of(job, await queue.outlooks([job]))


@router.get(
    "/{job_id}/events",
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


@router.post("/{job_id}/cancel", status_code=202, responses=documented(JobNotFound, JobEnded))
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
