"""`farebox predict`: ask a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.options import Confirmed
from farebox.command.prompts import confirm_price
from farebox.command.spreading import command
from farebox.command.values import read_pairs, read_rows
from farebox.errors import UnusableInput
from farebox.resources.predictions import PredictionOptions
from farebox.results.base import Charge
from farebox.results.predictions import Prediction, Predictions, PredictionWarning


@dataclass(frozen=True, kw_only=True)
class PredictOptions(Confirmed):
    """Where the rows come from."""

    rows: Annotated[
        Path | None,
        typer.Option("--rows", "-r", metavar="FILE", help="A CSV file with a row for each question."),
    ] = None
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Tell the probability of each class too.")
    ] = False
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage",
            metavar="SHARE",
            help="Tell what covers the truth this often, such as 0.9: an interval or a set of labels.",
        ),
    ] = None

    def wishes(self) -> PredictionOptions:
        wished = PredictionOptions(probabilities=True) if self.probabilities else PredictionOptions()
        if self.coverage is not None:
            wished["coverage"] = self.coverage
        return wished


@command
def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")],
    options: PredictOptions,
    features: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="One row, column by column.")
    ] = None,
) -> None:
    """Ask a model about one row, or about each row of a CSV file.

    Example: farebox predict 7_penguins bill_length_mm=39.1 island=Dream. A value that reads as a number is
    one; put it in double quotes to send text.
    """
    if bool(features) == (options.rows is not None):
        raise UnusableInput("Give either one row as NAME=VALUE pairs, or a CSV file with --rows.")
    if options.rows is not None:
        _predict_rows(model, options.rows, options)
    else:
        _predict_one(model, features or [], options)


def _predict_one(model: str, pairs: list[str], options: PredictOptions) -> None:
    row = read_pairs(pairs)
    with options.connect() as client:
        confirm_price(client, "predict", 1, options)
        told = client.predictions.one(model, row, **options.wishes())
    if options.as_json:
        output.show_json(told)
        return
    _show(_as_several(told))
    _tell(told.warnings, told.charge)


def _predict_rows(model: str, path: Path, options: PredictOptions) -> None:
    rows = read_rows(path)
    if not rows:
        raise UnusableInput(f"{path} has no rows below its header.")
    with options.connect() as client:
        confirm_price(client, "predict" if len(rows) == 1 else "batch", len(rows), options)
        told = client.predictions.many(model, rows, **options.wishes())
    if options.as_json:
        output.show_json(told)
        return
    _show(told)
    _tell(told.warnings, told.charge)


def _as_several(told: Prediction) -> Predictions:
    return Predictions(
        model=told.model,
        predictions=[told.prediction],
        probabilities=None if told.probabilities is None else [told.probabilities],
        intervals=None if told.interval is None else [told.interval],
        label_sets=None if told.label_set is None else [told.label_set],
        warnings=told.warnings,
    )


def _show(told: Predictions) -> None:
    """A prediction a line, so that scripts can read them; as a table when there is more to tell."""
    columns: dict[str, Sequence[object]] = {"prediction": told.predictions}
    if told.probabilities is not None:
        for label in told.probabilities[0]:
            columns[f"p({output.clean(label)})"] = [each[label] for each in told.probabilities]
    if told.intervals is not None:
        columns["low"] = [each.low for each in told.intervals]
        columns["high"] = [each.high for each in told.intervals]
    if told.label_sets is not None:
        columns["labels"] = told.label_sets
    if len(columns) > 1:
        output.show_table(list(columns), zip(*columns.values(), strict=True))
        return
    for prediction in told.predictions:
        typer.echo(output.clean(str(prediction)))


def _tell(warnings: list[PredictionWarning], charge: Charge | None) -> None:
    for each in warnings:
        output.say(f"Row {each.row}, {each.feature}: {each.detail}")
    if charge is not None:
        output.say(f"Charged {charge.tokens}; you can spend {charge.balance} more.")
