"""Downloads: written piece by piece, and either complete or absent."""

from pathlib import Path

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok, problem
from tests.unit.client.samples import job
from tests.unit.client.test_events import EVENTS, SUCCEEDED, progress, stream

from farebox.errors import InvalidInput, JobNotSucceeded, NotEnoughTokens, ResultPending

CHARGED = {"X-Tokens-Charged": "5", "X-Tokens-Balance": "10", "X-Receipt-Id": "r1"}
PREDICTED = httpx.Response(
    200, headers={**CHARGED, "X-Rows": "2", "X-Rows-Failed": "1"}, content=b"x,prediction\r\n"
)
BATCH = ("POST", "/v1/models/1_m/batch")
RESULT = ("GET", "/v1/jobs/7/result")


def test_batch_is_written_to_file_with_its_charge(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*BATCH, PREDICTED)
    predicted = caller.run(
        lambda client: client.models.batch("1_m", b"x\n1\nfar\n", tmp_path / "out.csv", coverage=0.9)
    )
    assert (predicted.rows, predicted.failed, predicted.charge.tokens) == (2, 1, 5)
    assert predicted.path.read_bytes() == b"x,prediction\r\n"
    (request,) = gateway.requests_to(*BATCH)
    assert b"x\n1\nfar\n" in request.content
    assert request.url.params["coverage"] == "0.9"


def test_batch_with_lost_response_is_repeated_under_same_key(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.on(*BATCH, httpx.ReadError("lost"), PREDICTED)
    caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    keys = {request.headers["Idempotency-Key"] for request in gateway.requests_to(*BATCH)}
    assert (len(gateway.requests_to(*BATCH)), len(keys)) == (2, 1)


def test_refused_batch_leaves_no_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*BATCH, problem(422, "batch_column_missing", column="y"))
    with pytest.raises(InvalidInput) as raised:
        caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    assert raised.value.code == "batch_column_missing"
    assert list(tmp_path.iterdir()) == []


def test_large_batch_is_followed_as_job_and_downloaded(
    caller: Caller, gateway: Gateway, tmp_path: Path
) -> None:
    percents: list[int] = []
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    gateway.on("GET", EVENTS, stream(progress(1, 60), SUCCEEDED))
    gateway.on("GET", "/v1/jobs/7", ok(job("succeeded", kind="batch")))
    gateway.on(*RESULT, PREDICTED)
    predicted = caller.run(
        lambda client: client.models.batch(
            "1_m", b"x\n1\n", tmp_path / "out.csv", on_progress=lambda event: percents.append(event.percent)
        )
    )
    assert (predicted.rows, predicted.failed, predicted.charge.receipt_id) == (2, 1, "r1")
    assert percents == [60, 100]
    assert predicted.path.read_bytes() == b"x,prediction\r\n"


def test_failed_large_batch_leaves_no_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    gateway.on("GET", EVENTS, stream((3, "failed", "{}")))
    gateway.on("GET", "/v1/jobs/7", ok(job("failed", error={"code": "model_gone", "detail": "Train it."})))
    with pytest.raises(JobNotSucceeded, match="Train it"):
        caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []


def test_batch_can_be_started_as_job(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*BATCH, ok(job(kind="batch"), 202))
    started = caller.run(lambda client: client.models.start_batch("1_m", b"x\n1\n", coverage=0.9))
    assert (started.id, started.kind) == (7, "batch")
    (request,) = gateway.requests_to(*BATCH)
    assert (request.headers["Prefer"], request.url.params["coverage"]) == ("respond-async", "0.9")


def test_pending_result_leaves_no_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on(*RESULT, problem(409, "result_pending"))
    with pytest.raises(ResultPending):
        caller.run(lambda client: client.jobs.result(7, tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []


def test_export_is_written_to_file(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("GET", "/v1/models/1_m/export", httpx.Response(200, content=b"PK"))
    path = caller.run(lambda client: client.models.export("1_m", tmp_path / "m.zip"))
    assert path.read_bytes() == b"PK"


def test_export_without_enough_tokens_is_refused(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    gateway.on("GET", "/v1/models/1_m/export", problem(402, "not_enough_tokens", required=1, available=0))
    with pytest.raises(NotEnoughTokens):
        caller.run(lambda client: client.models.export("1_m", tmp_path / "m.zip"))
