"""Large prediction requests, read and predicted in a reader process.

To parse a body of 16 MiB takes a second, and so does rendering the answer to it; the event loop would stand
still. A request is read twice: for its number of rows before it is charged, and after that to be predicted.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from kit.digests import fingerprint
from kit.errors import Malformed
from ml_service.learning import predictors
from ml_service.learning.predictors import PredictionOptions, Predictor
from ml_service.learning.predictors.errors import PredictionTooLarge
from ml_service.predictions.answers import compute, first_row, rows_in
from ml_service.predictions.schemas import PredictionRequest, Row
from ml_service.store.files import Files

# The body of `/v1`, or that of the course API: one row, as `features` or by itself.
Dialect = Literal["v1", "course"]
MOST_FAULTS = 100
# A larger answer is stored as a file instead of in the database.
MOST_INLINE_BYTES = 64 * 1024


class InvalidRequest(Exception):
    """Faults of the body in pydantic's form, for the service to describe as for any other request."""

    def __init__(self, faults: list[dict[str, Any]]) -> None:  # Any: pydantic's own type
        super().__init__(faults)
        self.faults = faults


@dataclass(frozen=True, slots=True)
class RequestSummary:
    """What a charge needs to know; `digest` is the fingerprint of the input."""

    rows: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class StoredPredictor:
    """A predictor in the store; `files` has the digests as JSON."""

    store_url: str
    artefact: str
    files: bytes


@dataclass(frozen=True, slots=True)
class PredictionTask:
    """A request for a model; `seconds` is the time limit. A large answer is stored at `location` as well."""

    body: bytes
    dialect: Dialect
    predictor: StoredPredictor
    seconds: float
    location: str | None


def summarise(body: bytes, dialect: Dialect, model: str) -> RequestSummary:
    """Parse and validate the body. Raises Malformed or InvalidRequest."""
    request = read_request(body, dialect)
    rows = request.to_rows()
    return RequestSummary(len(rows), fingerprint(dialect, model, rows, request.to_options().to_json()))


def predict(task: PredictionTask) -> bytes:
    """The members of the answer as JSON. Raises PREDICTION_ERRORS."""
    request = read_request(task.body, task.dialect)
    rows, predictor = request.to_rows(), _load(task.predictor)
    answer = _predict(predictor, rows, request.to_options(), task.seconds)
    if request.rows is None:
        answer = first_row(answer)
    if request.coverage is not None:
        answer["coverage"] = request.coverage
    content = orjson.dumps(answer)
    if task.location is not None and len(content) > MOST_INLINE_BYTES:
        files = Files(task.predictor.store_url)
        with files.open_to_write(task.location) as file:
            file.write(content)
            files.flush(file)
    return content


def read_request(body: bytes, dialect: Dialect) -> PredictionRequest:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not valid JSON; check its quotes, commas and numbers.") from None
    if dialect == "course" and isinstance(content, dict):
        content = {"features": course_row(content)}
    try:
        return PredictionRequest.model_validate(content)
    except ValidationError as error:
        faults: list[dict[str, Any]] = [  # Any: pydantic's own type
            {"type": fault["type"], "loc": ("body", *fault["loc"]), "msg": fault["msg"]}
            | {"ctx": {name: str(value) for name, value in fault.get("ctx", {}).items()}}
            for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
        ]
        raise InvalidRequest(faults) from None


def course_row(body: dict[str, Any]) -> Row:  # Any: cells of every kind
    """The row of a course request: its member `features`, or the body itself."""
    nested = body.get("features")
    return nested if isinstance(nested, dict) else body


def _predict(
    predictor: Predictor, rows: list[Row], options: PredictionOptions, seconds: float
) -> dict[str, Any]:  # Any: an answer
    if predictor.estimate_seconds(len(rows)) > seconds:
        raise PredictionTooLarge(rows_in(seconds, predictor, len(rows)))
    predictor.check(options)
    return compute(predictor, predictor.encode(rows), options)


# The next large request is often for the same model.
@lru_cache(maxsize=1)
def _load(stored: StoredPredictor) -> Predictor:
    with Files(stored.store_url).on_disk(stored.artefact) as folder:
        return predictors.load(folder, orjson.loads(stored.files))
