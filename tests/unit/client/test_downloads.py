"""Answers that become files: written piece by piece, whole or not there."""

from pathlib import Path

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok, problem
from tests.unit.client.samples import job
from tests.unit.client.test_events import EVENTS, SUCCEEDED, progress, stream

from farebox.errors import BatchColumnMissing, JobNotSucceeded, NotEnoughTokens, ResultPending

CHARGED = {"X-Tokens-Charged": "5", "X-Tokens-Balance": "10", "X-Receipt-Id": "r1"}
PREDICTED = httpx.Response(
    200, headers={**CHARGED, "X-Rows": "2", "X-Rows-Failed": "1"}, content=b"x,prediction\r\n"
)
BATCH = ("POST", "/v1/models/1_m/batch")
RESULT = ("GET", "/v1/jobs/7/result")


def test_a_batch_is_written_to_a_file_with_what_it_cost(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.on(*BATCH, PREDICTED)
    told = caller.run(
        lambda client: client.models.batch("1_m", b"x\n1\nfar\n", tmp_path / "out.csv", coverage=0.9)
    )
    assert (told.rows, told.failed, told.charge.tokens) == (2, 1, 5)
    assert told.path.read_bytes() == b"x,prediction\r\n"
    (asked,) = gateway.asked(*BATCH)
    assert b"x\n1\nfar\n" in asked.content
    assert asked.url.params["coverage"] == "0.9"


def test_a_batch_whose_answer_was_lost_is_asked_for_again_under_its_key(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.on(*BATCH, httpx.ReadError("lost"), PREDICTED)
    caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    keys = {each.headers["Idempotency-Key"] for each in gateway.asked(*BATCH)}
    assert (len(gateway.asked(*BATCH)), len(keys)) == (2, 1)


def test_a_refused_batch_leaves_no_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*BATCH, problem(422, "batch_column_missing", column="y"))
    with pytest.raises(BatchColumnMissing):
        caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []


def test_a_large_batch_is_followed_as_a_job_and_its_result_fetched(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    heard: list[int] = []
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    gateway.on("GET", EVENTS, stream(progress(1, 60), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job("succeeded", kind="batch")))
    gateway.on(*RESULT, PREDICTED)
    told = caller.run(
        lambda client: client.models.batch(
            "1_m", b"x\n1\n", tmp_path / "out.csv", on_progress=lambda event: heard.append(event.percent)
        )
    )
    assert (told.rows, told.failed, told.charge.receipt_id, heard) == (2, 1, "r1", [60, 100])
    assert told.path.read_bytes() == b"x,prediction\r\n"


def test_a_large_batch_that_fails_leaves_no_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    gateway.on("GET", EVENTS, stream((3, "failed", "{}")))
    gateway.on("GET", "/v1/jobs/7", ok(job("failed", error={"code": "model_gone", "detail": "Train it."})))
    with pytest.raises(JobNotSucceeded, match="Train it"):
        caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []


def test_a_batch_can_be_ordered_of_a_job(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    started = caller.run(lambda client: client.models.start_batch("1_m", b"x\n1\n", coverage=0.9))
    assert (started.id, started.kind) == (7, "batch")
    (asked,) = gateway.asked(*BATCH)
    assert (asked.headers["Prefer"], asked.url.params["coverage"]) == ("respond-async", "0.9")


def test_a_result_that_is_not_there_yet_leaves_no_file(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.on(*RESULT, problem(409, "result_pending"))
    with pytest.raises(ResultPending):
        caller.run(lambda client: client.jobs.result(7, tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []


def test_an_export_is_written_to_a_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("GET", "/v1/models/1_m/export", httpx.Response(200, content=b"PK"))
    path = caller.run(lambda client: client.models.export("1_m", tmp_path / "m.zip"))
    assert path.read_bytes() == b"PK"


def test_an_export_that_cannot_be_paid_is_refused(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("GET", "/v1/models/1_m/export", problem(402, "not_enough_tokens", required=1, available=0))
    with pytest.raises(NotEnoughTokens):
        caller.run(lambda client: client.models.export("1_m", tmp_path / "m.zip"))
