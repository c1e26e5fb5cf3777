"""`farebox train`: from a CSV file to a model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.models import show_model
from farebox.command.options import Confirmed
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm_price, confirm_tokens, cost_of
from farebox.command.spreading import command
from farebox.command.values import read_pairs
from farebox.errors import FareboxError, JobNotSucceeded, UnusableInput
from farebox.resources.models import Budget, TrainingOptions
from farebox.results.datasets import Dataset
from farebox.results.jobs import Job

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Confirmed):
    """What can be said about a training; all of it has a default but the label."""

    label: Annotated[str, typer.Option("--label", "-l", help="The column to predict.")]
    features: Annotated[
        str | None,
        typer.Option(help="The columns to learn from, with commas between them.", show_default="all others"),
    ] = None
    model_type: Annotated[
        str, typer.Option("--type", "-t", help="The type of model; farebox models types lists them.")
    ] = "random_forest"
    budget_seconds: Annotated[
        int | None, typer.Option(min=1, help="With --type auto: seconds for all candidates.")
    ] = None
    budget_tokens: Annotated[
        int | None, typer.Option(min=1, help="With --type auto: tokens for all candidates.")
    ] = None
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the type; repeatable."),
    ] = None
    name: Annotated[str | None, typer.Option(help="What to call the model.", show_default="made up")] = None
    task: Annotated[Literal["auto", "classification", "regression"], typer.Option(help="What to learn.")] = (
        "auto"
    )
    train_fraction: Annotated[float, typer.Option(help="The share of rows to learn from.")] = 0.8
    drop_missing_labels: Annotated[
        bool, typer.Option("--drop-missing-labels", help="Leave out rows without a label.")
    ] = False
    detach: Annotated[bool, typer.Option("--detach", help="Print the job and do not wait for it.")] = False

    def to_training(self) -> TrainingOptions:
        order: TrainingOptions = {
            "type": self.model_type,
            "params": read_pairs(self.param or []),
            "task": self.task,
            "train_fraction": self.train_fraction,
            "missing_label": "drop" if self.drop_missing_labels else "refuse",
        }
        if self.features is not None:
            order["features"] = [each.strip() for each in self.features.split(",")]
        if self.name is not None:
            order["name"] = self.name
        if budget := self._budget():
            order["budget"] = budget
        return order

    def _budget(self) -> Budget:
        budget: Budget = {}
        if self.budget_seconds is not None:
            budget["seconds"] = self.budget_seconds
        if self.budget_tokens is not None:
            budget["tokens"] = self.budget_tokens
        return budget


@command
def train(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A CSV file, or the id of an uploaded dataset.")
    ],
    options: TrainOptions,
) -> None:
    """Train a model on a table, and show how good it is.

    With --type auto all types are compared and the best is kept.

    Example: farebox train data/penguins.csv --label species
    """
    with options.connect() as client:
        dataset = _dataset(client, source)
        _check_columns(dataset, options)
        if options.model_type == AUTO:
            confirm_tokens(_most_tokens(client, options), options, at_most=True)
        else:
            confirm_price(client, "train", 1, options)
        job = client.models.start(dataset, options.label, **options.to_training())
        if options.detach:
            output.show_json(job) if options.as_json else output.say(
                f"Job {job.id}: farebox jobs follow {job.id}"
            )
            return
        done = _wait(client, job.id)
        model = client.models.get(done.model_name)
    if options.as_json:
        output.show_json({"job": done.model_dump(mode="json"), "model": model.model_dump(mode="json")})
        return
    show_model(model)
    output.say(f"Charged {done.tokens_charged}; the receipt is {done.receipt_id}.")


def _most_tokens(client: Farebox, options: TrainOptions) -> int:
    """What a comparison costs when every candidate finishes; its task may not be known yet."""
    types = (each for each in client.model_types.list() if each.name == AUTO)
    candidates = next((each.candidates or {} for each in types), {})
    most = candidates.get(options.task) or max(candidates.values(), default=1)
    tokens = cost_of(client, "train", most)
    return tokens if options.budget_tokens is None else min(tokens, options.budget_tokens)


def _wait(client: Farebox, job_id: int) -> Job:
    try:
        with JobProgress() as progress:
            return client.jobs.wait(job_id, on_progress=progress)
    except (FareboxError, KeyboardInterrupt) as error:
        if not isinstance(error, JobNotSucceeded):
            output.say(f"Job {job_id} goes on; see it with: farebox jobs follow {job_id}")
        raise


def _dataset(client: Farebox, source: str) -> Dataset:
    if source.isdigit() and not Path(source).exists():
        return client.datasets.get(int(source))
    return client.datasets.upload(source)


def _check_columns(dataset: Dataset, options: TrainOptions) -> None:
    """Before asking about the price of what cannot be done."""
    columns = [each.name for each in dataset.columns]
    wanted = [options.label, *options.to_training().get("features", [])]
    unknown = next((each for each in wanted if each not in columns), None)
    if unknown is not None:
        raise UnusableInput(f"There is no column '{unknown}'; there are: {', '.join(columns)}.")
