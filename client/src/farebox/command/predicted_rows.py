"""Predictions of a file's rows, read from the file that a batch writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pydantic_core
import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.progress import JobProgress
from farebox.errors import InvalidArgument
from farebox.resources.predictions import PredictionOptions
from farebox.results.base import Charge, Result
from farebox.results.predictions import Interval, PredictedFile, Prediction, PredictionWarning, Value

PROBABILITY = "probability_"
MOST_MESSAGES = 100
# The first bytes of a Parquet file, whose result is no text.
PARQUET = b"PAR1"
UNKNOWN_CATEGORY = "The model has no such category; it counts as missing."

Cells = Mapping[str, str]
Classes = Mapping[str, str | int]
T = TypeVar("T")


class RowError(Result):
    """The reason why a row is not predicted; rows count from 1."""

    row: int
    detail: str


class PredictedRows(Result):
    """Predictions in the order of the rows; those of a row with an error are None."""

    model: str
    predictions: list[Value | None]
    probabilities: list[dict[str, float] | None] | None = None
    coverage: float | None = None
    intervals: list[Interval | None] | None = None
    label_sets: list[list[str | int] | None] | None = None
    warnings: list[PredictionWarning]
    warning_count: int = 0
    errors: Sequence[RowError] = ()
    scores: dict[str, float | None] | None = None
    charge: Charge | None = None


def predict_file(
    client: Farebox, model: str, path: Path, classes: Classes | None, options: PredictionOptions
) -> PredictedRows:
    """Predict a file as `farebox batch` does, so that both give the same answers."""
    with path.open("rb") as file:
        if file.read(len(PARQUET)) == PARQUET:
            raise InvalidArgument(f"{path} is a Parquet file; predict it with: farebox batch {model} {path}")
    with TemporaryDirectory(prefix="farebox-") as folder:
        with JobProgress("sending") as progress:
            out = Path(folder) / "rows"
            predicted = client.models.batch(model, path, out, on_progress=progress, **options)
        return read_predicted(model, predicted, classes, options.get("coverage"))


def read_predicted(
    model: str, predicted: PredictedFile, classes: Classes | None, coverage: float | None = None
) -> PredictedRows:
    """The predictions in a batch's result; `classes` are those of the model, by their texts.

    If they are unknown, each prediction is the text of the file.
    """
    rows = predicted.read()
    names = list(rows[0]) if rows else []
    # A batch adds its columns after those of the file, which may have names like theirs.
    added = names[names.index("prediction") :] if rows else []
    probabilities = [name for name in added if name.startswith(PROBABILITY)]
    if classes is None and "high" in added:
        classes = {}
    warnings = list(_find_warnings(rows))
    return PredictedRows(
        model=model,
        predictions=_read(rows, lambda row: _value(row["prediction"], classes)),
        probabilities=_read(rows, partial(_probabilities, probabilities)) if probabilities else None,
        coverage=coverage,
        intervals=_read(rows, _interval) if "high" in added else None,
        label_sets=_read(rows, _label_set) if "label_set" in added else None,
        warnings=warnings[:MOST_MESSAGES],
        warning_count=len(warnings),
        errors=[RowError(row=at, detail=row["error"]) for at, row in enumerate(rows, 1) if row["error"]],
        scores=predicted.scores,
        charge=predicted.charge,
    )


def as_rows(predicted: Prediction) -> PredictedRows:
    """One prediction in the form of several."""
    return PredictedRows(
        model=predicted.model,
        predictions=[predicted.prediction],
        probabilities=None if predicted.probabilities is None else [predicted.probabilities],
        intervals=None if predicted.interval is None else [predicted.interval],
        label_sets=None if predicted.label_set is None else [predicted.label_set],
        warnings=predicted.warnings,
        warning_count=predicted.warning_count,
        charge=predicted.charge,
    )


def show_rows(predicted: PredictedRows) -> None:
    """Print one prediction a line, for scripts, or a table if there are more columns."""
    labels = [str(label) if isinstance(label, int) else label for label in predicted.predictions]
    columns: dict[str, Sequence[object]] = {"prediction": labels}
    if predicted.probabilities is not None:
        names = next((row for row in predicted.probabilities if row is not None), {})
        for label in names:
            cells = [row and row[label] for row in predicted.probabilities]
            columns[f"p({output.clean(label)})"] = cells
    if predicted.intervals is not None:
        columns["low"] = [interval and interval.low for interval in predicted.intervals]
        columns["high"] = [interval and interval.high for interval in predicted.intervals]
    if predicted.label_sets is not None:
        columns["labels"] = predicted.label_sets
    if len(columns) > 1:
        output.show_table(list(columns), zip(*columns.values(), strict=True))
    else:
        for prediction in predicted.predictions:
            typer.echo("" if prediction is None else output.clean(str(prediction)))
    _show_remarks(predicted)
    output.show_charge(predicted.charge)


def show_scores(scores: Mapping[str, float | None]) -> None:
    figures = ", ".join(
        f"{name} {'-' if value is None else output.number(value)}"
        for name, value in scores.items()
        if name != "rows"
    )
    output.message(f"Compared with the label in the file: {figures}, by {scores['rows']:,.0f} rows.")


def _show_remarks(predicted: PredictedRows) -> None:
    for error in predicted.errors[:MOST_MESSAGES]:
        output.message(f"Row {error.row} is not predicted: {error.detail}")
    for warning in predicted.warnings:
        output.message(f"Row {warning.row}, {warning.feature}: {warning.detail}")
    more = predicted.warning_count - len(predicted.warnings) + len(predicted.errors[MOST_MESSAGES:])
    if more:
        output.message(f"{more:,} more rows have such remarks; list them with --json, or with: farebox batch")
    if predicted.scores is not None:
        show_scores(predicted.scores)


def _read(rows: Sequence[Cells], read: Callable[[Cells], T]) -> list[T | None]:
    return [None if row["error"] else read(row) for row in rows]


def _value(text: str, classes: Classes | None) -> Value:
    """The class of this text; the number, if the model has no classes."""
    if classes is None:
        return text
    return classes.get(text, text) if classes else _number(text)


def _probabilities(names: Sequence[str], row: Cells) -> dict[str, float]:
    return {name.removeprefix(PROBABILITY): _number(row[name]) for name in names}


def _interval(row: Cells) -> Interval:
    return Interval(low=_number(row["low"]), high=_number(row["high"]))


def _label_set(row: Cells) -> list[str | int]:
    return pydantic_core.from_json(row["label_set"])


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _find_warnings(rows: Sequence[Cells]) -> Iterator[PredictionWarning]:
    for number, row in enumerate(rows, start=1):
        for name in filter(None, row.get("unknown_categories", "").split("; ")):
            yield PredictionWarning(row=number, feature=name, detail=UNKNOWN_CATEGORY)
