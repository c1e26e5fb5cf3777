"""`farebox predict`: predict one row, or the rows of a file."""

from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson, ModelName, PayingGroup, Probabilities, Url, Yes
from farebox.command.predicted_rows import Classes, as_rows, predict_file, show_rows
from farebox.command.prompts import confirm_batch, confirm_tokens, cost_of
from farebox.command.values import read_cells
from farebox.errors import Forbidden, InvalidArgument
from farebox.resources.predictions import PredictionOptions
from farebox.results.predictions import Prediction

Features = Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="One row, by column.")]
RowsFile = Annotated[
    Path | None,
    typer.Option(
        "--rows", "-r", metavar="FILE", help="A table of CSV, a workbook or JSON Lines, to predict."
    ),
]
Coverage = Annotated[
    float | None,
    typer.Option(
        "--coverage",
        metavar="SHARE",
        help="Add the interval or set of labels that contains the truth this often, such as 0.9.",
    ),
]

app = typer.Typer()


@app.command()
@handle_errors
def predict(
    model: ModelName,
    features: Features = None,
    rows: RowsFile = None,
    probabilities: Probabilities = False,
    coverage: Coverage = None,
    group: PayingGroup = None,
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Predict one row, or each row of a file.

    Example: farebox predict 7_penguins bill_length_mm=39.1 island=Dream. Double quotes force text. A file is
    read as by farebox batch: a row with an error costs nothing, and its line is empty.
    """
    if bool(features) == (rows is not None):
        raise InvalidArgument("Pass either one row as NAME=VALUE pairs, or a file with --rows.")
    row = read_cells(features or [])
    options = PredictionOptions(probabilities=True) if probabilities else PredictionOptions()
    if coverage is not None:
        options["coverage"] = coverage
    with Farebox(url, group=group) as client:
        if rows is not None:
            confirm_batch(client, yes=yes)
            # For JSON alone, in which classes may be numbers; the schema may have a price.
            classes = _find_classes(client, model) if as_json else None
            predicted = predict_file(client, model, rows, classes, options)
        else:
            confirm_tokens(cost_of(client, "predict", 1), yes=yes, as_json=as_json)
            predicted = client.predictions.one(model, row, **options)
    if as_json:
        output.show_json(predicted)
    else:
        show_rows(as_rows(predicted) if isinstance(predicted, Prediction) else predicted)


def _find_classes(client: Farebox, model: str) -> Classes | None:
    """The classes of the model by their texts; None with an API key that may predict only."""
    try:
        return {str(label): label for label in client.models.schema(model).classes}
    except Forbidden:
        return None
