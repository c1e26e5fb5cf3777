"""`farebox batch`: predict each row of a file, into a file."""

from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import (
    TABLE_FILE,
    AsJson,
    Detach,
    ModelName,
    OptionalOut,
    Probabilities,
    Url,
    Yes,
)
from farebox.command.predicted_rows import show_scores
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm_batch
from farebox.resources.predictions import PredictionOptions
from farebox.results.predictions import PredictedFile

Coverage = Annotated[
    float | None,
    typer.Option(
        "--coverage",
        min=0.5,
        max=0.99,
        help="Add the interval or set of labels that contains the truth this often.",
        show_default=False,
    ),
]

WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}

app = typer.Typer()


@app.command()
@handle_errors
def batch(
    model: ModelName,
    file: Annotated[Path, typer.Argument(help=TABLE_FILE)],
    out: OptionalOut = None,
    probabilities: Probabilities = False,
    coverage: Coverage = None,
    detach: Detach = False,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Predict each row of a file, into a file with the same rows."""
    options = PredictionOptions(probabilities=probabilities)
    if coverage is not None:
        options["coverage"] = coverage
    with Farebox(url) as client:
        confirm_batch(client, yes=yes)
        if detach:
            job = client.models.start_batch(model, file, **options)
            then = f"farebox jobs follow {job.id}, then farebox jobs result {job.id} --out FILE"
            output.show_outcome(job, f"Job {job.id}: {then}", as_json=as_json)
            return
        with JobProgress("sending") as progress:
            predicted = client.models.batch(model, file, out or beside(file), on_progress=progress, **options)
    show_predicted(predicted, as_json=as_json)


def show_predicted(predicted: PredictedFile, *, as_json: bool) -> None:
    if as_json:
        output.show_json(predicted)
        return
    done = predicted.rows - predicted.failed
    output.message(f"Predicted {done:,} of {predicted.rows:,} rows; the file is {predicted.path}.")
    if predicted.unknown:
        rows = "1 row has" if predicted.unknown == 1 else f"{predicted.unknown:,} rows have"
        output.message(f"{rows} a category that the model has not learnt; see the column unknown_categories.")
    if predicted.scores is not None:
        show_scores(predicted.scores)
    output.show_charge(predicted.charge)


def beside(file: Path) -> Path:
    """`rows.csv.gz` becomes `rows.predicted.csv`, without compression; the output of a workbook is CSV."""
    plain = file.with_suffix("") if file.suffix == ".gz" else file
    suffix = ".csv" if plain.suffix.lower() in WORKBOOKS else plain.suffix
    return plain.with_name(f"{plain.stem}.predicted{suffix}")
