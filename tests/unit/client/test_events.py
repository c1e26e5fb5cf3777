"""Jobs are followed over as many streams as it takes, and no event is told twice or lost."""

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok
from tests.unit.client.samples import job

from farebox.errors import JobNotSucceeded, WaitedTooLong
from farebox.events import EventReader

EVENTS = "/v1/jobs/7/events"


def stream(*events: tuple[int, str, str]) -> httpx.Response:
    body = "".join(f"id: {number}\nevent: {kind}\ndata: {data}\n\n" for number, kind, data in events)
    return httpx.Response(200, text=body, headers={"Content-Type": "text/event-stream"})


def progress(number: int, percent: int) -> tuple[int, str, str]:
    return number, "progress", f'{{"stage": "fitting", "percent": {percent}}}'


SUCCEEDED = (9, "succeeded", '{"percent": 100}')


def test_events_come_in_order_until_the_job_has_ended(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10), progress(2, 60), SUCCEEDED))

    events = caller.run(lambda client: client.jobs.events(7))

    assert [(each.id, each.kind, each.percent) for each in events] == [
        ("1", "progress", 10),
        ("2", "progress", 60),
        ("9", "succeeded", 100),
    ]


def test_a_stream_that_breaks_is_resumed_after_its_last_whole_event(gateway: Gateway, caller: Caller) -> None:
    cut = httpx.Response(200, text="id: 1\nevent: progress\ndata: {}\n\nid: 2\nevent: prog")
    gateway.on("GET", EVENTS, cut, stream(progress(2, 60), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job(state="running")))

    events = caller.run(lambda client: client.jobs.events(7))

    assert [each.id for each in events] == ["1", "2", "9"]
    assert [each.headers.get("Last-Event-ID") for each in gateway.asked("GET", EVENTS)] == [None, "1"]


def test_a_job_that_had_ended_needs_no_last_event(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream())
    gateway.on("GET", "/v1/jobs/7", ok(job(state="cancelled")))

    assert caller.run(lambda client: client.jobs.events(7)) == []


def test_waiting_hands_each_event_over_and_gives_the_job(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job(state="succeeded")))
    heard: list[str] = []

    done = caller.run(lambda client: client.jobs.wait(7, on_progress=lambda event: heard.append(event.kind)))

    assert heard == ["progress", "succeeded"]
    assert done.state == "succeeded"


def test_waiting_for_a_job_that_fails_raises_its_reason(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream((3, "failed", "{}")))
    gateway.on(
        "GET",
        "/v1/jobs/7",
        ok(job(state="failed", error={"code": "x", "detail": "The label has one value only."})),
    )

    with pytest.raises(JobNotSucceeded, match="one value only"):
        caller.run(lambda client: client.jobs.wait(7))


def test_waiting_ends_when_patience_does(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", EVENTS, stream(progress(1, 10)))

    with pytest.raises(WaitedTooLong, match="still going"):
        caller.run(lambda client: client.jobs.wait(7, timeout=0))


def test_an_event_of_many_lines_is_put_together() -> None:
    reader = EventReader()
    lines = [": keep-alive", "id: 4", "data: one", "data:two", "retry: 3000", ""]

    [event] = [each for line in lines if (each := reader.feed(line)) is not None]

    assert (event.id, event.kind, event.data) == ("4", "message", "one\ntwo")


def test_an_unfinished_event_does_not_move_the_place_to_resume() -> None:
    reader = EventReader()
    for line in ("id: 4", "data: {}", "", "id: 5", "data: {}"):
        reader.feed(line)

    assert reader.last_event_id == "4"
