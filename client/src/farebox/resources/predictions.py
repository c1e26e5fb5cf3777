"""Predictions: for rows in one request, and for whole files."""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import pydantic_core

from farebox.calls import Call, Parameter, Response, idempotency_header, json_as, url_path
from farebox.errors import Forbidden, InvalidInput
from farebox.operations import Resource, S, operation
from farebox.results.base import Charge
from farebox.results.jobs import Job
from farebox.results.models import ModelSchema
from farebox.results.predictions import PredictedFile, Prediction, Predictions
from farebox.session import Session
from farebox.steps import Steps
from farebox.tables import Row, Rows, Source, row_of, rows_of, upload_of

Predicted = TypeVar("Predicted", Prediction, Predictions)
# The rows of a request, with the numbers of these features as texts.
Body = Callable[[Collection[str]], Mapping[str, object]]


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
    def one(self, model: str, features: Row, **options: Unpack[PredictionOptions]) -> Steps[Prediction]:
        """The prediction for one row, given as a mapping from column to value."""

        def body(texts: Collection[str]) -> Mapping[str, object]:
            return {"features": row_of(features, texts)}

        return _predict(self.session, model, body, Prediction, options)

    @operation
    def many(self, model: str, rows: Rows, **options: Unpack[PredictionOptions]) -> Steps[Predictions]:
        """The predictions for several rows, given as mappings or as a DataFrame."""

        def body(texts: Collection[str]) -> Mapping[str, object]:
            return {"rows": rows_of(rows, texts)}

        return _predict(self.session, model, body, Predictions, options)


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


def schema_call(model: str) -> Call[ModelSchema]:
    return Call("GET", url_path("models", model, "schema"), json_as(ModelSchema))


def _predict(
    session: Session, model: str, body: Body, kind: type[Predicted], options: PredictionOptions
) -> Steps[Predicted]:
    """Predict; after a refusal of a cell again, with numbers as texts where the model has texts.

    A table is uploaded as CSV, which makes a text of a number in a column of texts. Most requests have no
    such number, so the schema is not requested in advance.
    """
    try:
        return (yield from session.request(_predict_call(model, body(()), kind, options)))
    except InvalidInput as error:
        if error.code != "invalid_feature":
            raise
        try:
            schema = yield from session.request(schema_call(model))
        except Forbidden:
            raise error from None
        texts = [str(feature["name"]) for feature in schema.features if feature["kind"] == "text"]
        if body(texts) == body(()):
            raise
    if "idempotency_key" in options:
        # A key belongs to one body.
        options = options | {"idempotency_key": options["idempotency_key"] + "-texts"}
    return (yield from session.request(_predict_call(model, body(texts), kind, options)))


def _predict_call(
    model: str, rows: Mapping[str, object], kind: type[Predicted], options: PredictionOptions
) -> Call[Predicted]:
    extras = {name: value for name, value in options.items() if name != "idempotency_key"}
    return Call(
        "POST",
        url_path("models", model, "predict"),
        _with_charge(kind),
        json={**rows, **extras},
        headers=idempotency_header(options.get("idempotency_key")),
    )


def _with_charge(kind: type[Predicted]) -> Callable[[Response], Predicted]:
    read_body = json_as(kind)

    def read(response: Response) -> Predicted:
        return read_body(response).model_copy(update={"charge": Charge.of(response)})

    return read


def _params(options: PredictionOptions) -> dict[str, Parameter]:
    return {"probabilities": options.get("probabilities"), "coverage": options.get("coverage")}


def _predicted(path: Path, response: Response) -> PredictedFile:
    headers = response.headers
    failed, unknown = (int(headers.get(f"x-rows-{name}", 0)) for name in ("failed", "unknown-category"))
    return PredictedFile(
        path=path,
        rows=int(headers.get("x-rows", 0)),
        failed=failed,
        unknown=unknown,
        scores=pydantic_core.from_json(headers["x-scores"]) if "x-scores" in headers else None,
        media_type=headers.get("content-type", "application/octet-stream"),
        charge=Charge.of(response),
    )
