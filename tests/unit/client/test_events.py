"""Event streams: a job is followed over several streams without repeated or lost events."""

import json

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok
from tests.unit.client.samples import job

from farebox.command.progress import describe
from farebox.errors import JobNotSucceeded, WaitTimeout
from farebox.resources.jobs import EventStream
from farebox.results.jobs import JobEvent

EVENTS = "/v1/jobs/7/events"


def stream(*events: tuple[int, str, str]) -> httpx.Response:
    body = "".join(f"id: {number}\nevent: {kind}\ndata: {data}\n\n" for number, kind, data in events)
    return httpx.Response(200, text=body, headers={"Content-Type": "text/event-stream"})


def progress(number: int, percent: int) -> tuple[int, str, str]:
    return number, "progress", f'{{"stage": "fitting", "percent": {percent}}}'


SUCCEEDED = (9, "succeeded", '{"percent": 100}')


def test_events_come_in_order_until_job_has_ended(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10), progress(2, 60), SUCCEEDED))

    events = caller.run(lambda client: client.jobs.events(7))

    assert [(event.id, event.kind, event.percent) for event in events] == [
        ("1", "progress", 10),
        ("2", "progress", 60),
        ("9", "succeeded", 100),
    ]


def test_broken_stream_is_resumed_after_last_complete_event(gateway: Gateway, caller: Caller) -> None:
    cut = httpx.Response(200, text="id: 1\nevent: progress\ndata: {}\n\nid: 2\nevent: prog")
    gateway.on("GET", EVENTS, cut, stream(progress(2, 60), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job(state="running")))

    events = caller.run(lambda client: client.jobs.events(7))

    assert [event.id for event in events] == ["1", "2", "9"]
    assert [request.headers.get("Last-Event-ID") for request in gateway.requests_to("GET", EVENTS)] == [
        None,
        "1",
    ]


def test_ended_job_needs_no_final_event(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream())
    gateway.on("GET", "/v1/jobs/7", ok(job(state="cancelled")))

    assert caller.run(lambda client: client.jobs.events(7)) == []


def test_wait_reports_each_event_and_returns_job(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job(state="succeeded")))
    kinds: list[str] = []

    ended_job = caller.run(
        lambda client: client.jobs.wait(7, on_progress=lambda event: kinds.append(event.kind))
    )

    assert kinds == ["progress", "succeeded"]
    assert ended_job.state == "succeeded"


def test_retry_is_an_event_with_its_attempt_and_reason(gateway: Gateway, caller: Caller) -> None:
    stage = "retrying, 2 of 3: the worker was lost"
    data = {"stage": stage, "percent": 0, "attempt": 2, "of": 3, "reason": "the worker was lost"}
    gateway.on("GET", EVENTS, stream((1, "requeued", json.dumps(data)), SUCCEEDED))
    event = caller.run(lambda client: client.jobs.events(7))[0]
    assert (event.attempt, event.of, event.reason) == (2, 3, "the worker was lost")
    assert str(event) == f"{stage} 0%"


def test_wait_for_failed_job_raises_its_reason(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream((3, "failed", "{}")))
    gateway.on(
        "GET",
        "/v1/jobs/7",
        ok(job(state="failed", error={"code": "x", "detail": "The label has one value only."})),
    )

    with pytest.raises(JobNotSucceeded, match="one value only"):
        caller.run(lambda client: client.jobs.wait(7))


def test_wait_ends_at_its_timeout(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10)))

    with pytest.raises(WaitTimeout, match="not ended"):
        caller.run(lambda client: client.jobs.wait(7, timeout=0))


def test_event_with_several_data_lines_is_joined() -> None:
    text = ": keep-alive\n\nid: 4\ndata: one\ndata:two\nretry: 3000\n\n"

    [event] = EventStream().feed(text)

    assert (event.id, event.event, event.data) == ("4", "message", "one\ntwo")


@pytest.mark.parametrize("size", [1, 2, 7])
def test_events_are_decoded_from_pieces_of_any_size(size: int) -> None:
    text = 'id: 4\r\nevent: stage\r\ndata: {"detail": "a\u2028b"}\r\n\r\n: keep-alive\r\n\r\n'
    stream = EventStream()

    pieces = (text[start : start + size] for start in range(0, len(text), size))
    [event] = [event for piece in pieces for event in stream.feed(piece)]

    assert (event.id, event.event, event.json()) == ("4", "stage", {"detail": "a\u2028b"})


def test_incomplete_event_is_not_decoded() -> None:
    events = EventStream().feed("id: 4\ndata: {}\n\nid: 5\ndata: {}\n")

    assert [event.id for event in events] == ["4"]


def test_event_without_an_id_keeps_the_previous_one(gateway: Gateway, caller: Caller) -> None:
    text = 'id: 1\nevent: stage\ndata: {}\n\nevent: stage\ndata: {"percent": 60}\n\n'
    gateway.on("GET", EVENTS, httpx.Response(200, text=text), stream(SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job(state="running")))

    assert [event.id for event in caller.run(lambda client: client.jobs.events(7))] == ["1", "1", "9"]


def test_candidate_event_in_a_progress_bar_names_what_runs_and_the_time_left() -> None:
    candidate = {
        "type": "random_forest",
        "params": {},
        "state": "started",
        "name": "Random forest (defaults)",
        "chosen": False,
        **dict.fromkeys(("metric", "score", "spread", "fit_seconds", "predict_seconds", "error")),
    }
    known = {"id": "5", "kind": "candidate", "candidate": candidate, "number": 1, "of": 8}
    older = JobEvent.model_validate({**known, "candidate": {**candidate, "name": ""}})
    newer = JobEvent.model_validate({**known, "running": ["A", "B"], "left": 6, "seconds_left": 12.4})
    assert describe(older) == "random_forest 1/8"
    assert describe(newer) == "A, B, 6 left, about 12 s"
    assert str(newer) == "Random forest (defaults) 1/8 started"
