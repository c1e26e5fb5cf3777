"""`farebox train`: train a model on a file or a dataset."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.dataset_view import ways_out
from farebox.command.errors import handle_errors
from farebox.command.models import show_model
from farebox.command.options import ROW_ID, AsJson, Detach, PayingGroup, Url, Yes
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm_tokens, cost_of
from farebox.command.reading import with_reading
from farebox.command.values import read_pairs
from farebox.errors import FareboxError, InvalidArgument, JobNotSucceeded
from farebox.resources.datasets import ReadingSettings
from farebox.resources.models import Budget, Split, TrainingOptions
from farebox.results.datasets import InspectedDataset
from farebox.results.jobs import Job

AUTO = "auto"
Source = Annotated[str, typer.Argument(metavar="FILE", help="A table, or the id of an uploaded dataset.")]
Label = Annotated[str, typer.Option("--label", "-l", help="The column to predict.")]
Features = Annotated[
    str | None,
    typer.Option(help="The columns to train on, separated by commas.", show_default="all others"),
]
ModelType = Annotated[
    str, typer.Option("--type", "-t", help="The model type; list them with: farebox models types")
]
BudgetSeconds = Annotated[
    int | None, typer.Option(min=1, help="With --type auto: the time limit for all candidates.")
]
BudgetTokens = Annotated[
    int | None, typer.Option(min=1, help="With --type auto: the token budget for all candidates.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter of the type; repeatable."),
]
Name = Annotated[str | None, typer.Option(help="The model's name.", show_default="generated")]
Task = Annotated[
    Literal["auto", "classification", "regression"],
    typer.Option(help="The task; by default the label's values and the type decide."),
]
TrainFraction = Annotated[
    float, typer.Option(help="The share of rows to train on; the others test the model.")
]
SplitBy = Annotated[
    Literal["random", "time", "group"],
    typer.Option(
        "--split", help="How to choose test rows: at random, the latest, or whole groups, such as people."
    ),
]
SplitColumn = Annotated[
    str | None, typer.Option(help="With --split time or group: the column of the times or groups.")
]
DropMissing = Annotated[bool, typer.Option("--drop-missing-labels", help="Leave out rows without a label.")]

app = typer.Typer()


@app.command()
@handle_errors
@with_reading
def train(
    source: Source,
    label: Label,
    reading: ReadingSettings,
    features: Features = None,
    model_type: ModelType = "random_forest",
    budget_seconds: BudgetSeconds = None,
    budget_tokens: BudgetTokens = None,
    param: Parameters = None,
    name: Name = None,
    task: Task = "auto",
    train_fraction: TrainFraction = 0.8,
    split: SplitBy = "random",
    split_column: SplitColumn = None,
    drop_missing_labels: DropMissing = False,
    detach: Detach = False,
    group: PayingGroup = None,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Train a model on a table, and show its metrics.

    With --type auto, all model types are compared and the best model is stored.

    Example: farebox train data/penguins.csv --label species
    """
    options: TrainingOptions = {
        "type": model_type,
        "params": read_pairs(param or []),
        "task": task,
        "train_fraction": train_fraction,
        "missing_label": "drop" if drop_missing_labels else "refuse",
    }
    if features is not None:
        options["features"] = [feature.strip() for feature in features.split(",")]
    if name is not None:
        options["name"] = name
    if budget := _budget(budget_seconds, budget_tokens):
        options["budget"] = budget
    if chosen := _split(split, split_column):
        options["split"] = chosen
    with Farebox(url, group=group) as client:
        dataset = _dataset(client, source, reading)
        # Checked first: a training that cannot start needs no confirmation of its price.
        named = [label] if split_column is None else [label, split_column]
        _check_columns(dataset, named, options.get("features"))
        cost = _largest_cost(client, options) if model_type == AUTO else cost_of(client, "train", 1)
        confirm_tokens(cost, yes=yes, as_json=as_json, at_most=model_type == AUTO)
        job = client.models.start(dataset, label, **options)
        if detach:
            output.show_outcome(job, f"Job {job.id}: farebox jobs follow {job.id}", as_json=as_json)
        else:
            show_trained(client, wait_for_job(client, job.id), as_json=as_json)


def _budget(seconds: int | None, tokens: int | None) -> Budget:
    budget: Budget = {}
    if seconds is not None:
        budget["seconds"] = seconds
    if tokens is not None:
        budget["tokens"] = tokens
    return budget


def _split(by: Literal["random", "time", "group"], column: str | None) -> Split | None:
    if (by == "random") != (column is None):
        raise InvalidArgument("Give both --split time or group and its --split-column, or neither.")
    return None if column is None else {"by": by, "column": column}


def _dataset(client: Farebox, source: str, reading: ReadingSettings) -> InspectedDataset:
    if ROW_ID.fullmatch(source) is None or Path(source).exists():
        return client.datasets.upload(source, reading=reading)
    if reading:
        raise InvalidArgument(
            f"{source} is a dataset; correct its reading with: farebox datasets correct {source}"
        )
    return client.datasets.get(int(source))


def _check_columns(dataset: InspectedDataset, named: Sequence[str], features: Sequence[str] | None) -> None:
    columns = {column.name.strip(): column for column in dataset.columns}
    for name in [*named, *(columns if features is None else features)]:
        column = columns.get(name.strip())
        if column is None and name.strip() in dataset.reading.columns:
            command = f"farebox datasets correct {dataset.id} {shlex.quote(f'{name.strip()}=text')}"
            raise InvalidArgument(f"'{name}' is left out by the reading; use it with: {command}")
        if column is None:
            raise InvalidArgument(f"There is no column '{name}'; the columns are {', '.join(columns)}.")
        if column.needs_decision:
            raise _undecided(dataset, column.name)


def _undecided(dataset: InspectedDataset, name: str) -> InvalidArgument:
    """The finding about a column that needs a decision, with the commands that decide."""
    about = [each for each in dataset.findings if each.code == "needs_decision" and each.column == name]
    reason = about[0].detail if about else f"'{name}' needs a decision."
    commands = (f"{meaning} with: {command}" for meaning, command in ways_out(dataset.id, name).items())
    return InvalidArgument(f"{reason} Decide before training: {'; or '.join(commands)}")


def _largest_cost(client: Farebox, options: TrainingOptions) -> int:
    """The cost of a comparison if every candidate finishes; its task may still be unknown."""
    types = (model_type for model_type in client.model_types.list() if model_type.name == AUTO)
    candidates = next((model_type.candidates or {} for model_type in types), {})
    largest = candidates.get(options.get("task", "auto")) or max(candidates.values(), default=1)
    cost = cost_of(client, "train", largest)
    return min(cost, options.get("budget", {}).get("tokens", cost))


def wait_for_job(client: Farebox, job_id: int) -> Job:
    try:
        with JobProgress() as progress:
            return client.jobs.wait(job_id, on_progress=progress)
    except (FareboxError, KeyboardInterrupt) as error:
        if not isinstance(error, JobNotSucceeded):
            output.message(f"Job {job_id} continues; follow it with: farebox jobs follow {job_id}")
        raise


def show_trained(client: Farebox, job: Job, *, as_json: bool) -> None:
    model = client.models.get(job.model_name)
    if as_json:
        output.show_json({"job": job.model_dump(mode="json"), "model": model.model_dump(mode="json")})
        return
    show_model(model)
    output.message(f"Charged {output.tokens(job.tokens_charged)}; the receipt is {job.receipt_id}.")
