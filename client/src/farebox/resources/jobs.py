"""Jobs: list, follow, wait and cancel."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pydantic_core
from httpx_sse import ServerSentEvent

# The decoders only: EventSource skips keep-alive comments, and a timeout must be checked at each of them.
from httpx_sse._decoders import SSEDecoder, SSELineDecoder  # pyright: ignore[reportPrivateUsage] - as above

from farebox.calls import Call, Page, idempotency_header, json_as, list_call, no_content, route_seconds
from farebox.errors import JobNotSucceeded, ResponseLost, UnexpectedResponse, WaitTimeout
from farebox.operations import Resource, S, listing, operation
from farebox.resources.predictions import result_call
from farebox.results.jobs import Job, JobEvent
from farebox.results.predictions import PredictedFile
from farebox.session import Session
from farebox.steps import Emit, Emits, Sleep, Steps, for_each, next_text

OnProgress: TypeAlias = Callable[[JobEvent], object]
FINAL_EVENTS = {"succeeded", "failed", "cancelled"}
PAUSE_SECONDS = 0.5
BROKEN_STREAMS = 10


class Jobs(Resource[S]):
    """The account's jobs."""

    @listing
    def list(self) -> Call[Page[Job]]:
        """The jobs, newest first."""
        return list_call("/v1/jobs", Job)

    @operation
    def get(self, job_id: int) -> Call[Job]:
        """A job's state."""
        return job_call(job_id)

    @operation
    def cancel(self, job_id: int) -> Call[Job]:
        """Cancel a job; nothing is charged for it."""
        return Call("POST", f"/v1/jobs/{job_id}/cancel", json_as(Job), headers=idempotency_header())

    @operation
    def result(self, job_id: int, to: str | Path) -> Call[PredictedFile]:
        """Download the predictions of a batch job; raises ResultPending while it has not ended."""
        return result_call(job_id, to)

    @listing
    def events(self, job_id: int, *, last_event_id: str | None = None) -> Emits[JobEvent]:
        """Each event of a job as it happens, until the job has ended.

        A broken stream is resumed after the last event received; pass `last_event_id` to continue a stream
        of an earlier run.
        """
        return job_events(self.session, job_id, last_event_id)

    @operation
    def wait(
        self, job_id: int, *, on_progress: OnProgress | None = None, timeout: float | None = None
    ) -> Steps[Job]:
        """Wait until a job has succeeded; raises JobNotSucceeded when it fails or is cancelled.

        `on_progress` is called with each event. After `timeout` seconds WaitTimeout is raised, while the job
        continues; call `wait` again to go on waiting.
        """
        return wait_for(self.session, job_id, on_progress, timeout)


def job_call(job_id: int) -> Call[Job]:
    return Call("GET", f"/v1/jobs/{job_id}", json_as(Job))


def wait_for(
    session: Session, job_id: int, on_progress: OnProgress | None = None, timeout: float | None = None
) -> Steps[Job]:
    """Follow a job to its end."""
    yield from for_each(job_events(session, job_id, timeout=timeout), on_progress or _ignore)
    job = yield from session.request(job_call(job_id))
    if job.state != "succeeded":
        charged = f"{job.tokens_charged} tokens were" if job.tokens_charged else "nothing was"
        detail = job.error.detail if job.error else f"Job {job.id} was {job.state}; {charged} charged."
        raise JobNotSucceeded(detail, members={"job": job})
    return job


def job_events(
    session: Session, job_id: int, last_event_id: str | None = None, timeout: float | None = None
) -> Emits[JobEvent]:
    """Emit a job's events until it has ended, reopening the stream when it breaks."""
    deadline, broken_streams, had_ended = _Deadline(job_id, timeout), 0, False
    while broken_streams < BROKEN_STREAMS:
        resumed_after = last_event_id
        yield from session.open_stream(_stream_call(job_id, last_event_id, deadline.read_timeout))
        stream = EventStream()
        while (text := (yield from next_text())) is not None:
            for event in stream.feed(text):
                # An event without an id keeps the previous id; an event cut off by the end is dropped.
                last_event_id = event.id or last_event_id
                yield Emit(_job_event(event, last_event_id))
                if event.event in FINAL_EVENTS:
                    return
            deadline.check()
        deadline.check()
        if had_ended:
            return
        had_ended = (yield from session.request(job_call(job_id))).has_ended
        broken_streams = broken_streams + 1 if last_event_id == resumed_after else 0
        yield Sleep(PAUSE_SECONDS)
    raise ResponseLost(f"The event stream of job {job_id} keeps breaking; get the job's state instead.")


class EventStream:
    """Decodes one stream of Server-Sent Events, piece by piece."""

    def __init__(self) -> None:
        self._lines, self._events = SSELineDecoder(), SSEDecoder()

    def feed(self, text: str) -> Iterator[ServerSentEvent]:
        """The events that this piece completes; keep-alive comments are skipped."""
        for line in self._lines.decode(text):
            event = self._events.decode(line)
            if event is not None and event.data:
                yield event


class _Deadline:
    def __init__(self, job_id: int, timeout: float | None) -> None:
        self._job_id, self._timeout = job_id, timeout
        self._at = time.monotonic() + timeout if timeout is not None else None

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for the stream's next piece."""
        longest = route_seconds("GET", f"/v1/jobs/{self._job_id}/events")
        remaining = self._at - time.monotonic() if self._at is not None else longest
        return min(max(remaining, 0.01), longest)

    def check(self) -> None:
        if self._at is not None and time.monotonic() >= self._at:
            raise WaitTimeout(
                f"Job {self._job_id} has not ended after {self._timeout:g} s; it continues, so wait again."
            )


def _ignore(_event: JobEvent) -> None:
    return


def _stream_call(job_id: int, last_event_id: str | None, timeout: float) -> Call[None]:
    headers = {"Accept": "text/event-stream"}
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    return Call("GET", f"/v1/jobs/{job_id}/events", no_content, headers=headers, timeout=timeout)


def _job_event(event: ServerSentEvent, event_id: str | None) -> JobEvent:
    try:
        data = pydantic_core.from_json(event.data)
        return JobEvent.model_validate({**data, "id": event_id or "", "kind": event.event})
    except (ValueError, TypeError) as error:
        raise UnexpectedResponse("The job's events are not as expected; update the client.") from error
