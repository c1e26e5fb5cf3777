"""`farebox batch` and `farebox export`: files out of models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.options import Confirmed, Shared
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm
from farebox.command.spreading import command
from farebox.resources.files import BatchOptions
from farebox.results.predictions import PredictedFile

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")]
Out = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="Where to write.", show_default=False)
]


@dataclass(frozen=True, kw_only=True)
class BatchAsked(Confirmed):
    """What to say of each row, and where to."""

    out: Out = None
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Add each class's probability.")] = (
        False
    )
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage", min=0.5, max=0.99, help="Add what holds the truth this often.", show_default=False
        ),
    ] = None
    detach: Annotated[bool, typer.Option("--detach", help="Print the job and do not wait for it.")] = False

    def to_options(self) -> BatchOptions:
        options = BatchOptions(probabilities=self.probabilities)
        if self.coverage is not None:
            options["coverage"] = self.coverage
        return options


@command
def batch(
    model: ModelName,
    file: Annotated[Path, typer.Argument(help="A CSV file, plain or gzip'd, or a Parquet file.")],
    asked: BatchAsked,
) -> None:
    """Predict each row of a file, into a file of the same rows."""
    with asked.connect() as client:
        price = next(each for each in client.prices.list() if each.action == "batch")
        each = f"{price.tokens} tokens for each started {price.per_units} good rows"
        confirm(f"This costs {each}. Go ahead?", yes=asked.yes)
        if asked.detach:
            job = client.models.start_batch(model, file, **asked.to_options())
            output.show_json(job) if asked.as_json else output.say(
                f"Job {job.id}: farebox jobs follow {job.id}, then farebox jobs result {job.id} --out FILE"
            )
            return
        with JobProgress("sending") as progress:
            told = client.models.batch(
                model, file, asked.out or _beside(file), on_progress=progress, **asked.to_options()
            )
    show_predicted(told, as_json=asked.as_json)


def show_predicted(told: PredictedFile, *, as_json: bool) -> None:
    if as_json:
        output.show_json(told)
        return
    output.say(f"{told.rows - told.failed} of {told.rows} rows are predicted in {told.path}.")
    if told.charge is not None:
        output.say(f"Charged {told.charge.tokens}; you can spend {told.charge.balance} more.")


@command
def export(model: ModelName, shared: Shared, out: Out = None) -> None:
    """Take a model along: a zip with the pipeline, its schema, golden rows and a scorer."""
    with shared.connect() as client:
        path = client.models.export(model, out or Path(f"{model}.zip"))
    if shared.as_json:
        output.show_json({"path": str(path)})
    else:
        output.say(f"Model {model} is in {path}; unpack it and run: python score.py")


def _beside(file: Path) -> Path:
    """`rows.csv.gz` becomes `rows.predicted.csv`: the answer is not packed."""
    plain = file.with_suffix("") if file.suffix == ".gz" else file
    return plain.with_name(f"{plain.stem}.predicted{plain.suffix}")
