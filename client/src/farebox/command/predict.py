"""`farebox predict`: predict one row, or the rows of a CSV file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson, ModelName, Probabilities, Url, Yes
from farebox.command.prompts import confirm_tokens, cost_of
from farebox.command.values import read_pairs, read_rows
from farebox.errors import InvalidArgument
from farebox.resources.predictions import PredictionOptions
from farebox.results.predictions import Prediction, Predictions

Features = Annotated[list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="One row, by column.")]
RowsFile = Annotated[
    Path | None, typer.Option("--rows", "-r", metavar="FILE", help="A CSV file with a row per prediction.")
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
    yes: Yes = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Predict one row, or each row of a CSV file.

    Example: farebox predict 7_penguins bill_length_mm=39.1 island=Dream. A value that looks like a number is
    sent as a number; put it in double quotes to send text.
    """
    if bool(features) == (rows is not None):
        raise InvalidArgument("Pass either one row as NAME=VALUE pairs, or a CSV file with --rows.")
    options = PredictionOptions(probabilities=True) if probabilities else PredictionOptions()
    if coverage is not None:
        options["coverage"] = coverage
    table = read_rows(rows) if rows is not None else [read_pairs(features or [])]
    if not table:
        raise InvalidArgument(f"{rows} has no rows below its header.")
    with Farebox(url) as client:
        cost = cost_of(client, "predict" if len(table) == 1 else "batch", len(table))
        confirm_tokens(cost, yes=yes, as_json=as_json)
        if rows is None:
            predicted = client.predictions.one(model, table[0], **options)
        else:
            predicted = client.predictions.many(model, table, **options)
    if as_json:
        output.show_json(predicted)
        return
    _show(_as_several(predicted) if isinstance(predicted, Prediction) else predicted)
    output.show_charge(predicted.charge)


def _as_several(predicted: Prediction) -> Predictions:
    return Predictions(
        model=predicted.model,
        predictions=[predicted.prediction],
        probabilities=None if predicted.probabilities is None else [predicted.probabilities],
        intervals=None if predicted.interval is None else [predicted.interval],
        label_sets=None if predicted.label_set is None else [predicted.label_set],
        warnings=predicted.warnings,
    )


def _show(predicted: Predictions) -> None:
    """Print one prediction a line, for scripts, or a table if there are more columns."""
    labels = [str(label) if isinstance(label, int) else label for label in predicted.predictions]
    columns: dict[str, Sequence[object]] = {"prediction": labels}
    if predicted.probabilities is not None:
        for label in predicted.probabilities[0]:
            columns[f"p({output.clean(label)})"] = [row[label] for row in predicted.probabilities]
    if predicted.intervals is not None:
        columns["low"] = [interval.low for interval in predicted.intervals]
        columns["high"] = [interval.high for interval in predicted.intervals]
    if predicted.label_sets is not None:
        columns["labels"] = predicted.label_sets
    if len(columns) > 1:
        output.show_table(list(columns), zip(*columns.values(), strict=True))
    else:
        for prediction in predicted.predictions:
            typer.echo(output.clean(str(prediction)))
    for warning in predicted.warnings:
        output.message(f"Row {warning.row}, {warning.feature}: {warning.detail}")
