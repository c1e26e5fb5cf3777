"""Models: trained, looked at, deleted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict, Unpack
from urllib.parse import quote

from farebox.calls import Call, keyed, nothing, one
from farebox.operations import Group, S, listing, operation
from farebox.resources.datasets import upload_call
from farebox.resources.files import (
    BatchOptions,
    batch_call,
    batch_job_call,
    export_call,
    report_page_call,
    result_call,
)
from farebox.resources.jobs import OnProgress, wait_for
from farebox.resources.pages import every_page, list_of
from farebox.results.datasets import Dataset
from farebox.results.jobs import Job
from farebox.results.models import Model, ModelSchema
from farebox.results.predictions import PredictedFile
from farebox.results.reports import Report
from farebox.steps import Emits, Steps
from farebox.tables import Source


class Budget(TypedDict, total=False):
    """The most that comparing all types may take; what is not said has no limit."""

    seconds: int
    """Seconds for all candidates; at their end the best that has finished is kept."""
    tokens: int
    """Tokens for all candidates; each that finishes costs the price of a training."""


class TrainingOptions(TypedDict, total=False):
    """How to train; everything has a sensible default."""

    features: Sequence[str]
    """The columns to learn from; unless said, all that have values, but for the label."""
    type: str
    """The type of model; `random_forest` unless said. `auto` compares all types and keeps the best."""
    budget: Budget
    """With `auto`: the most that comparing may take."""
    task: Literal["auto", "classification", "regression"]
    """What to learn; told by the label's values unless said."""
    params: Mapping[str, object]
    """The type's own parameters; `model_types.list()` describes them."""
    name: str
    """What the model is to be called; made up by the service unless said."""
    train_fraction: float
    """The share of rows to learn from, above 0 and below 1; the others measure the model. 0.8 unless said."""
    missing_label: Literal["refuse", "drop"]
    """What to do with rows whose label is missing; `refuse` unless said."""
    quote_id: str
    """A quote's id, to pay what it promised: `prices.quote("train").id`."""
    idempotency_key: str
    """Your own key, to repeat in a later run an order whose answer was lost."""


class Models(Group[S]):
    """The account's models."""

    @operation
    def start(self, dataset: Dataset, label: str, **options: Unpack[TrainingOptions]) -> Call[Job]:
        """Order a training on an uploaded dataset, and have the job that does it."""
        return training_call(dataset, label, options)

    @operation
    def train(
        self,
        source: "Source | Dataset",
        label: str,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[TrainingOptions],
    ) -> Steps[Model]:
        """Train a model on a CSV file, a DataFrame or an uploaded dataset, and wait for it.

        `on_progress` is called with each event of the job; with the type `auto` one event tells of each
        candidate's begin and end. The price is charged when the model is there;
        raises JobNotSucceeded, at no cost, when the training fails.
        """
        exchange = self.exchange
        dataset = source if isinstance(source, Dataset) else (yield from exchange.ask(upload_call(source)))
        job = yield from exchange.ask(training_call(dataset, label, options))
        job = yield from wait_for(exchange, job.id, on_progress)
        return (yield from exchange.ask(model_call(job.model_name)))

    @listing
    def list(self) -> Emits[Model]:
        """The models, newest first."""
        return every_page(self.exchange, list_of("/v1/models", Model))

    @operation
    def get(self, name: str) -> Call[Model]:
        """A model with its metrics, beside a baseline's."""
        return model_call(name)

    @operation
    def schema(self, name: str) -> Call[ModelSchema]:
        """What the model wants to be asked, with an example."""
        return Call("GET", model_path(name, "/schema"), one(ModelSchema))

    @operation
    def batch(
        self,
        name: str,
        source: Source,
        to: str | Path,
        *,
        on_progress: OnProgress | None = None,
        **options: Unpack[BatchOptions],
    ) -> Steps[PredictedFile]:
        """Predict each row of a CSV or Parquet file (by its path), CSV bytes or a DataFrame, into a file.

        The rows keep their order; one that cannot be used has its reason in the column `error`, and is free.
        A large file is predicted by a job, which is waited for: `on_progress` is called with its events.
        """
        exchange = self.exchange
        answer = yield from exchange.ask(batch_call(name, source, to, options))
        if isinstance(answer, PredictedFile):
            return answer
        job = yield from wait_for(exchange, answer.id, on_progress)
        return (yield from exchange.ask(result_call(job.id, to)))

    @operation
    def start_batch(self, name: str, source: Source, **options: Unpack[BatchOptions]) -> Call[Job]:
        """Order the same of a job, and have the job; `jobs.result` fetches its file when it has succeeded."""
        return batch_job_call(name, source, options)

    @operation
    def report(self, name: str) -> Call[Report]:
        """How good a model is and why: intervals, curves, what each column is worth, findings, the recipe."""
        return Call("GET", model_path(name, "/report"), one(Report), params={"format": "json"})

    @operation
    def report_page(self, name: str, to: str | Path) -> Call[Path]:
        """Write the report to an HTML file that opens anywhere, also offline."""
        return report_page_call(name, to)

    @operation
    def export(self, name: str, to: str | Path) -> Call[Path]:
        """Write a model with all that it needs elsewhere to a zip file."""
        return export_call(name, to)

    @operation
    def delete(self, name: str) -> Call[None]:
        """Delete a model and its bytes."""
        return Call("DELETE", model_path(name), nothing)


def model_path(name: str, below: str = "") -> str:
    return f"/v1/models/{quote(name, safe='')}{below}"


def model_call(name: str) -> Call[Model]:
    return Call("GET", model_path(name), one(Model))


def training_call(dataset: Dataset, label: str, options: TrainingOptions) -> Call[Job]:
    order: dict[str, object] = {"type": "random_forest", **options, "dataset_id": dataset.id, "label": label}
    order.pop("idempotency_key", None)
    if "features" in options:
        order["features"] = list(options["features"])
    return Call("POST", "/v1/models", one(Job), json=order, headers=keyed(options.get("idempotency_key")))
