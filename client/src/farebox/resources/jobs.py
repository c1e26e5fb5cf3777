"""Long work: look at it, follow it, wait for it, stop it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pydantic_core

from farebox.calls import Call, keyed, nothing, one
from farebox.errors import AnswerLost, AnswerNotUnderstood, JobNotSucceeded, WaitedTooLong
from farebox.events import EventReader, ServerEvent
from farebox.operations import Group, S, listing, operation
from farebox.resources.files import result_call
from farebox.resources.pages import every_page, list_of
from farebox.results.jobs import Job, JobEvent
from farebox.results.predictions import PredictedFile
from farebox.session import Exchange
from farebox.steps import Emit, Emits, Pause, Steps, hand_over, next_line

OnProgress: TypeAlias = Callable[[JobEvent], object]
ENDINGS = {"succeeded", "failed", "cancelled"}
STREAM_SECONDS = 60.0
PAUSE_SECONDS = 0.5
BROKEN_STREAMS = 10


class Jobs(Group[S]):
    """The account's jobs."""

    @listing
    def list(self) -> Emits[Job]:
        """The jobs, newest first."""
        return every_page(self.exchange, list_of("/v1/jobs", Job))

    @operation
    def get(self, job_id: int) -> Call[Job]:
        """How a job stands."""
        return job_call(job_id)

    @operation
    def cancel(self, job_id: int) -> Call[Job]:
        """Stop a job; nothing is charged for it."""
        return Call("POST", f"/v1/jobs/{job_id}/cancel", one(Job), headers=keyed())

    @operation
    def result(self, job_id: int, to: str | Path) -> Call[PredictedFile]:
        """Write what a batch's job has made to a file; raises ResultPending while it has not ended."""
        return result_call(job_id, to)

    @listing
    def events(self, job_id: int, *, last_event_id: str | None = None) -> Emits[JobEvent]:
        """Each event of a job as it happens, until the job has ended.

        A stream that breaks is resumed after the last event that arrived; hand in `last_event_id` to resume
        one from an earlier run.
        """
        return job_events(self.exchange, job_id, last_event_id)

    @operation
    def wait(
        self, job_id: int, *, on_progress: OnProgress | None = None, timeout: float | None = None
    ) -> Steps[Job]:
        """Wait until a job has succeeded; raises JobNotSucceeded when it did not.

        `on_progress` is called with each event. After `timeout` seconds WaitedTooLong is raised; the job
        goes on and can be waited for again.
        """
        return wait_for(self.exchange, job_id, on_progress, timeout)


def job_call(job_id: int) -> Call[Job]:
    return Call("GET", f"/v1/jobs/{job_id}", one(Job))


def wait_for(
    exchange: Exchange, job_id: int, on_progress: OnProgress | None = None, timeout: float | None = None
) -> Steps[Job]:
    """Follow a job to its end."""
    events = job_events(exchange, job_id, timeout=timeout)
    yield from hand_over(events, on_progress or _ignore)
    job = yield from exchange.ask(job_call(job_id))
    if job.state != "succeeded":
        raise JobNotSucceeded(_how_it_ended(job), members={"job": job})
    return job


def job_events(
    exchange: Exchange, job_id: int, last_event_id: str | None = None, timeout: float | None = None
) -> Emits[JobEvent]:
    """Emits a job's events until it has ended, over as many streams as that takes."""
    reader, patience = EventReader(last_event_id), _Patience(job_id, timeout)
    broken, had_ended = 0, False
    while broken < BROKEN_STREAMS:
        heard = reader.last_event_id
        yield from exchange.open(_stream_call(job_id, reader, patience))
        while (line := (yield from next_line())) is not None:
            event = reader.feed(line)
            if event is not None:
                yield Emit(_job_event(event))
                if event.kind in ENDINGS:
                    return
            patience.check()
        patience.check()
        reader.forget_unfinished()
        if had_ended:
            return
        had_ended = (yield from exchange.ask(job_call(job_id))).has_ended
        broken = broken + 1 if reader.last_event_id == heard else 0
        yield Pause(PAUSE_SECONDS)
    raise AnswerLost(f"The event stream of job {job_id} keeps breaking; look at the job instead.")


class _Patience:
    def __init__(self, job_id: int, timeout: float | None) -> None:
        self._job_id, self._timeout = job_id, timeout
        self._deadline = time.monotonic() + timeout if timeout is not None else None

    @property
    def seconds(self) -> float:
        """How long to wait for the next line."""
        left = self._deadline - time.monotonic() if self._deadline is not None else STREAM_SECONDS
        return min(max(left, 0.01), STREAM_SECONDS)

    def check(self) -> None:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise WaitedTooLong(
                f"Job {self._job_id} is still going after {self._timeout:g} s; it can be waited for again."
            )


def _ignore(_event: JobEvent) -> None:
    return


def _how_it_ended(job: Job) -> str:
    return job.error.detail if job.error else f"Job {job.id} was {job.state}; nothing was charged."


def _stream_call(job_id: int, reader: EventReader, patience: _Patience) -> Call[None]:
    return Call(
        "GET", f"/v1/jobs/{job_id}/events", nothing, headers=reader.resume_headers, seconds=patience.seconds
    )


def _job_event(event: ServerEvent) -> JobEvent:
    try:
        told = pydantic_core.from_json(event.data)
        return JobEvent.model_validate({**told, "id": event.id, "kind": event.kind})
    except (ValueError, TypeError) as error:
        raise AnswerNotUnderstood("The job's events are not as expected; update the client.") from error
