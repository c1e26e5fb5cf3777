"""Large and hostile bodies: a sentence of refusal, in linear time."""

import contextlib
import gc
import json
import time
from collections.abc import Iterator

import pytest
from fastapi.exceptions import RequestValidationError

from kit.errors import Malformed, ServiceError
from kit.problems import from_validation
from ml_service.learning.predictors import PredictionOptions
from ml_service.predictions.large_requests import InvalidRequest, read_request, summarise

MODEL = "1_model"


def rows(*cells: object) -> bytes:
    return json.dumps({"rows": [{"x": cell} for cell in cells]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"rows": [{"x": NaN}]}',
        b'{"rows": [{"x": 1e999}]}',
        b'{"rows": [{"x": ' + b"9" * 1_000_000 + b"}]}",
        b'{"rows": [{"x": "\\ud800"}]}',
        b'{"rows": [{"x": "\xff"}]}',
        b'{"rows": ' + b"[" * 1_000_000,
        b'{"rows": [{"x": ' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
        b"\x00" * 100_000,
    ],
)
def test_broken_body_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        summarise(body, "v1", MODEL)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{}",
        b'{"rows": []}',
        b'{"rows": [' + b"1," * 9_999 + b"1]}",
        b'{"rows": [' + b"{}," * 10_000 + b"{}]}",
        b'{"rows": [' + b"[]," * 1_000_000 + b"[]]}",
        b'{"rows": [{}], "features": {}}',
        b'{"rows": [{}], "coverage": 2}',
        b'{"rows": [{}], "more": "' + b"m" * 1_000_000 + b'"}',
    ],
)
def test_invalid_body_is_refused_with_few_faults_and_none_of_its_values(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        summarise(body, "v1", MODEL)
    error: ServiceError = from_validation(RequestValidationError(refusal.value.faults))
    assert (error.status, error.code) == (422, "invalid_input")
    assert 1 <= len(error.members["errors"]) <= 100  # type: ignore[arg-type] - a list
    assert len(json.dumps(error.members)) < 20_000


def test_fault_is_described_as_by_fastapi() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        summarise(b'{"rows": [{}, 5]}', "v1", MODEL)
    error = from_validation(RequestValidationError(refusal.value.faults))
    assert error.detail == "rows/1: must be an object."
    assert error.members["errors"] == [{"pointer": "/body/rows/1", "detail": "must be an object."}]


def test_last_of_equal_names_counts() -> None:
    """As in every JSON parser of the field; RFC 8259 leaves it open."""
    request = read_request(b'{"rows": [{"x": 1, "x": 2}]}', "v1")
    assert request.to_rows() == [{"x": 2}]


@pytest.mark.parametrize("body", [b'{"features": {"x": 1}}', b'{"x": 1}'])
def test_course_request_is_one_row(body: bytes) -> None:
    request = read_request(body, "course")
    assert request.to_rows() == [{"x": 1}]
    assert request.to_options() == PredictionOptions()


def test_digest_does_not_depend_on_spelling() -> None:
    first = summarise(b'{"rows": [{"x": 1, "y": 2}]}', "v1", MODEL)
    second = summarise(b'{ "rows" : [{"y": 2, "x": 1}], "coverage": null}', "v1", MODEL)
    assert (first.rows, first) == (1, second)
    assert summarise(b'{"rows": [{"x": 1, "y": 3}]}', "v1", MODEL) != first


def hostile(n: int) -> Iterator[bytes]:
    yield rows("1" * n + "x")
    yield rows(*["1" * 100] * (n // 100))
    yield b'{"rows": [' + b"[]," * n + b"[]]}"
    yield json.dumps({"rows": [{f"{index}": index for index in range(n)}]}).encode()
    yield b'{"rows": [{"x": "' + b"\\u0061" * n + b'"}]}'


@pytest.mark.parametrize("kind", range(5))
def test_time_is_linear_in_the_body(kind: int, request: pytest.FixtureRequest) -> None:
    def seconds(n: int) -> float:
        body = list(hostile(n))[kind]
        times: list[float] = []
        for _ in range(3):
            started = time.thread_time()
            with contextlib.suppress(InvalidRequest):
                summarise(body, "v1", MODEL)
            times.append(time.thread_time() - started)
        return min(times)

    # Collections of everything that other tests have left would count, too.
    request.addfinalizer(gc.enable)
    gc.disable()

    # Eight times the body: 64 times the time if it grew with the square.
    assert seconds(200_000) < 24 * seconds(25_000) + 0.01
