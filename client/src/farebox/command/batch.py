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
    PayingGroup,
    Probabilities,
    Url,
    Yes,
)
from farebox.command.predicted_rows import show_scores
from farebox.command.progress import JobProgress
from farebox.command.prompts import confirm_batch
from farebox.errors import InvalidArgument
from farebox.resources.predictions import PredictionOptions
from farebox.results.predictions import WORKBOOKS, PredictedFile

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
    group: PayingGroup = None,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Predict each row of a file, into a file with the same rows."""
    options = PredictionOptions(probabilities=probabilities)
    if coverage is not None:
        options["coverage"] = coverage
    check_result_name(out)
    with Farebox(url, group=group) as client:
        confirm_batch(client, yes=yes)
        if detach:
            job = client.models.start_batch(model, file, **options)
            then = f"farebox jobs follow {job.id}, then farebox jobs result {job.id} --out FILE"
            output.show_outcome(job, f"Job {job.id}: {then}", as_json=as_json)
            return
        with JobProgress("sending") as progress:
            to = out or file.with_name(f"{file.name}.predicted")
            predicted = client.models.batch(model, file, to, on_progress=progress, **options)
    show_predicted(predicted if out else _named_after(file, predicted), as_json=as_json)


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


def check_result_name(out: Path | None) -> None:
    if out is not None and out.suffix.lower() in WORKBOOKS:
        raise InvalidArgument(
            f"The result of a workbook is CSV, which spreadsheets open; name it {out.with_suffix('.csv')}."
        )


def _named_after(file: Path, predicted: PredictedFile) -> PredictedFile:
    """The result renamed by its format, which the content of the file decides."""
    path = predicted.path.replace(file.with_name(predicted.name_after(file.name)))
    return predicted.model_copy(update={"path": path})
