"""Predictions: for rows in one request, and for whole files."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

from farebox.calls import Call, Parameter, Response, idempotency_header, json_as, url_path
from farebox.operations import Resource, S, operation
from farebox.results.base import Charge
from farebox.results.jobs import Job
from farebox.results.predictions import PredictedFile, Prediction, Predictions
from farebox.tables import Row, Rows, Source, row_of, rows_of, upload_of

Predicted = TypeVar("Predicted", Prediction, Predictions)


class PredictionOptions(TypedDict, total=False):
    """Options of predictions, in a request or for a file."""

    probabilities: bool
    """The probability of each class; for classifiers."""
    coverage: float
    """The share of cases, 0.5 to 0.99, in which the interval or the set of labels contains the truth."""
    idempotency_key: str
    """Your own key, with which a later run can repeat the request after a lost response."""


class PredictionOperations(Resource[S]):
    """Predictions in one request. One row is priced as `predict`, several as `batch`; a failure is free.

    At the same price, `probabilities` adds the probability of each class, and `coverage` the interval (of a
    number) or the set of labels that contains the truth that often, such as 0.9.
    """

    @operation
    def one(self, model: str, features: Row, **options: Unpack[PredictionOptions]) -> Call[Prediction]:
        """The prediction for one row, given as a mapping from column to value."""
        return _predict_call(model, {"features": row_of(features)}, Prediction, options)

    @operation
    def many(self, model: str, rows: Rows, **options: Unpack[PredictionOptions]) -> Call[Predictions]:
        """The predictions for several rows, given as mappings or as a DataFrame."""
        return _predict_call(model, {"rows": rows_of(rows)}, Predictions, options)


def batch_call(
    model: str, source: Source, to: str | Path, options: PredictionOptions
) -> Call[PredictedFile | Job]:
    """Predict a file into `to`; for a large file the response is a job."""
    path = Path(to)

    def read(response: Response) -> PredictedFile | Job:
        if response.status == HTTPStatus.ACCEPTED:
            return json_as(Job)(response)
        return _predicted(path, response)

    return Call(
        "POST",
        url_path("models", model, "batch"),
        read,
        params=_params(options),
        files={"file": upload_of(source)},
        headers=idempotency_header(options.get("idempotency_key")),
        save_to=path,
    )


def batch_job_call(model: str, source: Source, options: PredictionOptions) -> Call[Job]:
    return Call(
        "POST",
        url_path("models", model, "batch"),
        json_as(Job),
        params=_params(options),
        files={"file": upload_of(source)},
        headers={"Prefer": "respond-async", **idempotency_header(options.get("idempotency_key"))},
    )


def result_call(job_id: int, to: str | Path) -> Call[PredictedFile]:
    path = Path(to)
    return Call(
        "GET",
        f"/v1/jobs/{job_id}/result",
        lambda response: _predicted(path, response),
        save_to=path,
    )


def _predict_call(
    model: str, rows: Mapping[str, object], kind: type[Predicted], options: PredictionOptions
) -> Call[Predicted]:
    key = options.pop("idempotency_key", None)
    return Call(
        "POST",
        url_path("models", model, "predict"),
        _with_charge(kind),
        json={**rows, **options},
        headers=idempotency_header(key),
    )


def _with_charge(kind: type[Predicted]) -> Callable[[Response], Predicted]:
    read_body = json_as(kind)

    def read(response: Response) -> Predicted:
        return read_body(response).model_copy(update={"charge": Charge.of(response)})

    return read


def _params(options: PredictionOptions) -> dict[str, Parameter]:
    return {"probabilities": options.get("probabilities"), "coverage": options.get("coverage")}


def _predicted(path: Path, response: Response) -> PredictedFile:
    rows, failed = (int(response.headers.get(name, 0)) for name in ("x-rows", "x-rows-failed"))
    return PredictedFile(path=path, rows=rows, failed=failed, charge=Charge.of(response))
