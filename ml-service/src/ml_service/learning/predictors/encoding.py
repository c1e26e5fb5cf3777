"""Encoding of a request's features as rows of numbers, equal to the preparation in training."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

from ml_service.learning.model_types.protocol import Arrays, Matrix
from ml_service.learning.predictors.errors import FeatureError, MissingFeature, UnknownFeature
from ml_service.learning.tables.column_types import (
    LARGEST_NUMBER,
    LONGEST_NUMBER,
    MISSING,
    NUMBERS,
    POINT_NUMBER,
)
from ml_service.learning.tables.table import DEFAULT_LIMITS, Json, RowErrors

Features = Mapping[str, object]
FeatureType = Literal["number", "date", "text"]
Columns = Mapping[str, Sequence[object]]

DATE_PARTS = 5
NO_DATE = (math.nan,) * DATE_PARTS
NUMBER = NUMBERS[POINT_NUMBER]
# As in files of tables.
LONGEST_TEXT = DEFAULT_LIMITS.cell_length
# Answers list the first warnings and count the others: rows with many unknown categories have a million.
MOST_WARNINGS = 100
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps of a model are UTC without a zone


class InvalidCell(Exception):
    """An unusable cell, with the reason."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The columns of an encoded row: numbers, parts of dates, then one indicator for each category."""

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]

    def to_json(self) -> Json:
        texts = {name: list(categories) for name, categories in self.texts.items()}
        return {"numbers": list(self.numbers), "dates": list(self.dates), "texts": texts}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Encoding":  # Any: JSON
        return cls(tuple(document["numbers"]), tuple(document["dates"]), document["texts"])


@dataclass(frozen=True, slots=True)
class FeatureWarning:
    """A warning about a cell that was not used as sent; rows count from 1."""

    row: int
    feature: str
    detail: str

    def to_json(self) -> Json:
        return {"row": self.row, "feature": self.feature, "detail": self.detail}


class Warnings:
    """The first `MOST_WARNINGS` warnings, and the number of all."""

    __slots__ = ("count", "first")

    def __init__(self) -> None:
        self.first: list[FeatureWarning] = []
        self.count = 0

    def add_unknown_category(self, row: int, feature: str) -> None:
        self.count += 1
        if self.count <= MOST_WARNINGS:
            detail = f"Row {row}, '{feature}': The model has no such category; it counts as missing."
            self.first.append(FeatureWarning(row, feature, detail))


class Encoder:
    """Encoder of requests, equivalent to the preparation in training."""

    def __init__(self, encoding: Encoding, arrays: Arrays) -> None:
        self._numbers = encoding.numbers
        self._dates = encoding.dates
        self.kinds: dict[str, FeatureType] = dict.fromkeys(encoding.numbers, "number")
        self.kinds.update(dict.fromkeys(encoding.dates, "date"))
        self.kinds.update(dict.fromkeys(encoding.texts, "text"))
        self._names = self.kinds.keys()
        self._indicators: dict[str, dict[str, int]] = {}
        self._truth_values: dict[str, dict[bool, str]] = {}
        self._numeric = self.width = len(encoding.numbers) + DATE_PARTS * len(encoding.dates)
        for name, categories in encoding.texts.items():
            self._indicators[name] = {category: self.width + i for i, category in enumerate(categories)}
            self._truth_values[name] = _truth_values(categories)
            self.width += len(categories)
        self._fill, self._mean, self._scale = arrays["fill"], arrays["mean"], arrays["scale"]

    def encode(self, rows: Sequence[Features]) -> tuple[Matrix, Warnings]:
        matrix = np.zeros((len(rows), self.width))
        warnings = Warnings()
        for index, features in enumerate(rows):
            if features.keys() ^ self._names:
                self._refuse_names(features, index + 1)
            matrix[index, : self._numeric] = self._numeric_cells(features, index + 1)
            self._set_categories(features, index, matrix, warnings)
        self._prepare(matrix)
        return matrix, warnings

    def encode_columns(self, columns: Columns, rows: int) -> tuple[Matrix, RowErrors]:
        """Encode column by column; an unknown category counts as missing, without a warning."""
        matrix, errors = np.zeros((rows, self.width)), RowErrors()
        for position, name in enumerate(self._numbers):
            matrix[:, position] = list(_read_all(_to_number, columns[name], math.nan, name, errors))
        for position, name in enumerate(self._dates):
            start = len(self._numbers) + position * DATE_PARTS
            parts = list(_read_all(_to_date_parts, columns[name], NO_DATE, name, errors))
            matrix[:, start : start + DATE_PARTS] = parts
        for name, indicators in self._indicators.items():
            truth_values = self._truth_values[name]
            texts = _read_all(
                lambda cell, known=truth_values: _to_text(cell, known), columns[name], None, name, errors
            )
            for index, text in enumerate(texts):
                if text in indicators:
                    matrix[index, indicators[text]] = 1.0
        self._prepare(matrix)
        return matrix, errors

    def _prepare(self, matrix: Matrix) -> None:
        numeric = matrix[:, : self._numeric]
        np.copyto(numeric, self._fill, where=np.isnan(numeric))
        numeric -= self._mean
        numeric /= self._scale

    def _refuse_names(self, features: Features, row: int) -> None:
        for name in features:
            if name not in self._names:
                raise UnknownFeature(name, row)
        missing = next(
            name for name in (*self._numbers, *self._dates, *self._indicators) if name not in features
        )
        raise MissingFeature(missing, row)

    def _numeric_cells(self, features: Features, row: int) -> list[float]:
        cells = [_read(_to_number, features[name], name, row) for name in self._numbers]
        for name in self._dates:
            cells.extend(_read(_to_date_parts, features[name], name, row))
        return cells

    def _set_categories(self, features: Features, index: int, matrix: Matrix, warnings: Warnings) -> None:
        for name, indicators in self._indicators.items():
            truth_values = self._truth_values[name]
            text = _read(
                lambda cell, known=truth_values: _to_text(cell, known), features[name], name, index + 1
            )
            if text in indicators:
                matrix[index, indicators[text]] = 1.0
            elif text is not None:
                warnings.add_unknown_category(index + 1, name)


def _read(
    read: Callable[[object], Any], cell: object, name: str, row: int
) -> Any:  # Any: the result of `read`
    try:
        return read(cell)
    except InvalidCell as error:
        raise FeatureError(name, row, str(error)) from None


def _read_all(
    read: Callable[[object], Any], cells: Sequence[object], blank: Any, name: str, errors: RowErrors
) -> Iterator[Any]:  # Any: the result of `read`
    """The results for all cells; an unusable cell gives `blank` and an error for its row."""
    for index, cell in enumerate(cells):
        try:
            yield read(cell)
        except InvalidCell as error:
            errors.setdefault(index, f"'{name}': {error}")
            yield blank


def _truth_values(categories: Sequence[str]) -> dict[bool, str]:
    spellings = {category.lower(): category for category in categories}
    return {value: spellings[word] for value, word in ((True, "true"), (False, "false")) if word in spellings}


def _to_number(cell: object) -> float:
    """A number, also from text as forms send it; NaN for a missing cell."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        if len(cell) > LONGEST_NUMBER:
            raise InvalidCell(f"It must be a number of at most {LONGEST_NUMBER} characters.")
        if cell.strip() in MISSING:
            return math.nan
        if not NUMBER.search(cell):
            raise InvalidCell("It must be a number.")
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise InvalidCell("It must be a number.")
    if not abs(cell) <= LARGEST_NUMBER:
        raise InvalidCell("It must be a finite number, at most 1e30.")
    return float(cell)


def _to_date_parts(cell: object) -> tuple[float, ...]:
    """Year, month, day, weekday and days since 1970, as `DateParts` computes them in training."""
    if cell is None or (isinstance(cell, str) and cell in MISSING):
        return NO_DATE
    if not isinstance(cell, str) or len(cell) > LONGEST_NUMBER:
        raise InvalidCell("It must be a date such as 2026-01-31.")
    try:
        date = datetime.fromisoformat(cell)
        if date.tzinfo is not None:
            date = date.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise InvalidCell("It must be a date such as 2026-01-31.") from None
    days = (date - EPOCH) / timedelta(microseconds=1) / 86_400_000_000
    return (float(date.year), float(date.month), float(date.day), float(date.weekday()), days)


def _to_text(cell: object, truth_values: dict[bool, str]) -> str | None:
    """Text, or None for a missing cell; true and false stand for categories of that name."""
    if cell is None:
        return None
    if isinstance(cell, bool) and cell in truth_values:
        return truth_values[cell]
    if not isinstance(cell, str):
        raise InvalidCell("It must be text.")
    if len(cell) > LONGEST_TEXT:
        raise InvalidCell(f"It must be text of at most {LONGEST_TEXT} characters.")
    return None if cell in MISSING else cell
