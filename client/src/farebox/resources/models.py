"""Model types; and models: train, list, export and delete."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack

from farebox.calls import Call, Page, Parameter, idempotency_header, json_as, list_call, no_content, url_path
from farebox.errors import InvalidArgument
from farebox.operations import Resource, S, listing, operation
from farebox.resources.datasets import ReadingSettings, upload_call
from farebox.resources.jobs import OnProgress, wait_for
from farebox.resources.predictions import (
    PredictionOptions,
    batch_call,
    batch_job_call,
    result_call,
    schema_call,
)
from farebox.results.datasets import Dataset
from farebox.results.jobs import Job
from farebox.results.models import Model, ModelSchema, ModelType
from farebox.results.predictions import PredictedFile
from farebox.results.reports import Report
from farebox.steps import Steps
from farebox.tables import Source


class Budget(TypedDict, total=False):
    """Limits of a comparison of all types; a missing one means no limit."""

    seconds: int
    """Seconds for all candidates; the best one finished by then is the result."""
    tokens: int
    """Tokens for all candidates; each finished candidate costs the price of a training."""


class Split(TypedDict, total=False):
    """The choice of test rows."""

    by: Literal["random", "time", "group"]
    """`time` tests on the latest rows, `group` on rows of groups, such as people, with none to train on."""
    column: str
    """The column with the times or the groups."""


class TrainingOptions(TypedDict, total=False):
    """Options of a training; each has a default."""

    features: Sequence[str]
    """The columns to train on; by default all columns that have values, except the label."""
    type: str
    """The model type, by default `random_forest`. `auto` compares all types and stores the best model."""
    budget: Budget
    """With `auto`: the limits of the comparison."""
    task: Literal["auto", "classification", "regression"]
    """The task; by default the label's values decide."""
    params: Mapping[str, object]
    """The type's own parameters; `model_types.list()` describes them."""
    name: str
    """The model's name; by default the service generates one."""
    train_fraction: float
    """The share of rows to train on, between 0 and 1, by default 0.8; the other rows test the model."""
    split: Split
    """The split into rows to train and to test on, by default at random."""
    missing_label: Literal["refuse", "drop"]
    """The treatment of rows without a label, by default `refuse`."""
    quote_id: str
    """A quote's id, to pay the quoted price: `prices.quote("train").id`."""
    idempotency_key: str
    """Your own key, with which a later run can repeat the request after a lost response."""


class ModelTypes(Resource[S]):
    """The model types."""

    @listing
    def list(self) -> Call[Page[ModelType]]:
        """The types, with their parameters as JSON Schema."""
        return list_call("/v1/model-types", ModelType, authorized=False)


class Models(Resource[S]):
    """The account's models."""

    @operation
    def start(self, dataset: Dataset, label: str, **options: Unpack[TrainingOptions]) -> Call[Job]:
        """Start a training on an uploaded dataset; returns its job."""
        return training_call(dataset, label, options)

    @operation
    def train(
        self,
        source: "Source | Dataset",
        label: str,
        *,
        reading: ReadingSettings | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[TrainingOptions],
    ) -> Steps[Model]:
        """Train a model on a file, a DataFrame or an uploaded dataset, and wait for it.

        `reading` has the settings by which a file is read. `on_progress` is called with each event of the
        job; with the type `auto` each candidate has an event for its start and for its end. The price is
        charged when the model is stored. A failed training raises JobNotSucceeded and costs nothing.
        """
        session = self.session
        if isinstance(source, Dataset):
            if reading:
                raise InvalidArgument("This dataset is uploaded; correct its reading by datasets.correct.")
            dataset = source
        else:
            dataset = yield from session.request(upload_call(source, reading=reading))
        job = yield from session.request(training_call(dataset, label, options))
        job = yield from wait_for(session, job.id, on_progress)
        return (yield from session.request(model_call(job.model_name)))

    @listing
    def list(self) -> Call[Page[Model]]:
        """The models, newest first."""
        return list_call("/v1/models", Model)

    @operation
    def get(self, name: str) -> Call[Model]:
        """A model with its metrics and those of a baseline."""
        return model_call(name)

    @operation
    def schema(self, name: str) -> Call[ModelSchema]:
        """The model's input columns, with an example."""
        return schema_call(name)

    @operation
    def batch(
        self,
        name: str,
        source: Source,
        to: str | Path,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[PredictionOptions],
    ) -> Steps[PredictedFile]:
        """Predict each row of a table (by path), bytes or a DataFrame, into a file.

        The rows keep their order. An invalid row costs nothing, and the column `error` has the reason. A
        large file becomes a job, and `on_progress` is called with each of its events.
        """
        session = self.session
        result = yield from session.request(batch_call(name, source, to, options))
        if isinstance(result, PredictedFile):
            return result
        job = yield from wait_for(session, result.id, on_progress)
        return (yield from session.request(result_call(job.id, to)))

    @operation
    def start_batch(self, name: str, source: Source, **options: Unpack[PredictionOptions]) -> Call[Job]:
        """Start a batch as a job; `jobs.result` downloads its file once it has succeeded."""
        return batch_job_call(name, source, options)

    @operation
    def report(self, name: str) -> Call[Report]:
        """The model's report: metrics with intervals, curves, feature importance, findings, the recipe."""
        return Call("GET", url_path("models", name, "report"), json_as(Report), params={"format": "json"})

    @operation
    def report_page(self, name: str, to: str | Path) -> Call[Path]:
        """Write the report to an HTML file that works offline."""
        return _download(url_path("models", name, "report"), to, {"format": "html"})

    @operation
    def export(self, name: str, to: str | Path) -> Call[Path]:
        """Export a model as a zip file that works without Farebox."""
        return _download(url_path("models", name, "export"), to)

    @operation
    def delete(self, name: str) -> Call[None]:
        """Delete a model and its files."""
        return Call("DELETE", url_path("models", name), no_content)


def model_call(name: str) -> Call[Model]:
    return Call("GET", url_path("models", name), json_as(Model))


def training_call(dataset: Dataset, label: str, options: TrainingOptions) -> Call[Job]:
    return order_call({"dataset_id": dataset.id, "label": label}, options)


def order_call(trains_on: Mapping[str, object], options: TrainingOptions) -> Call[Job]:
    spec: dict[str, object] = {"type": "random_forest", **options, **trains_on}
    spec.pop("idempotency_key", None)
    if "features" in options:
        spec["features"] = list(options["features"])
    headers = idempotency_header(options.get("idempotency_key"))
    return Call("POST", "/v1/models", json_as(Job), json=spec, headers=headers)


def _download(path: str, to: str | Path, params: Mapping[str, Parameter] | None = None) -> Call[Path]:
    target = Path(to)
    return Call("GET", path, lambda _response: target, params=params or {}, save_to=target)
