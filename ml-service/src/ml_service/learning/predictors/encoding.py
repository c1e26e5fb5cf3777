"""Encoding of a request's features as rows of numbers, equal to the preparation in training."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import numpy as np

from ml_service.learning.model_types.protocol import Arrays, Matrix
from ml_service.learning.predictors.errors import FeatureError, MissingFeature, UnknownFeature
from ml_service.learning.tables.cells import CellReader, InvalidCell, truth_values_in
from ml_service.learning.tables.header import clean_name
from ml_service.learning.tables.settings import ColumnReading, Json
from ml_service.learning.tables.table import RowErrors

Features = Mapping[str, object]
FeatureType = Literal["number", "date", "text"]
Columns = Mapping[str, Sequence[object]]
Readings = Mapping[str, ColumnReading]
ReadCell = Callable[[object], Any]  # Any: a number, a text or the parts of a date
# The features of a row, by its index, whose category the model has not learnt.
UnknownCategories = dict[int, list[str]]

DATE_PARTS = 5
NO_DATE = (math.nan,) * DATE_PARTS
# Answers list the first warnings and count the others: rows with many unknown categories have a million.
MOST_WARNINGS = 100
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps of a model are UTC without a zone


@dataclass(frozen=True, slots=True)
class Encoding:
    """The columns of an encoded row: numbers, parts of dates, then one indicator for each category.

    `readings` has the settings by which each feature's cells were read, and `label` the name of the label.
    """

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]
    readings: Mapping[str, ColumnReading] = field(default_factory=dict[str, ColumnReading])
    label: str | None = None

    def to_json(self) -> Json:
        texts = {name: list(categories) for name, categories in self.texts.items()}
        readings = {name: reading.to_json() for name, reading in self.readings.items()}
        columns = {"numbers": list(self.numbers), "dates": list(self.dates), "texts": texts}
        return columns | {"readings": readings, "label": self.label}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Encoding":  # Any: JSON
        readings = document.get("readings", {})
        return cls(
            tuple(document["numbers"]),
            tuple(document["dates"]),
            document["texts"],
            {name: ColumnReading.from_json(reading) for name, reading in readings.items()},
            document.get("label"),
        )


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
        self.label = encoding.label
        self.label_reading = encoding.readings.get(encoding.label or "", ColumnReading())
        self.kinds: dict[str, FeatureType] = dict.fromkeys(encoding.numbers, "number")
        self.kinds.update(dict.fromkeys(encoding.dates, "date"))
        self.kinds.update(dict.fromkeys(encoding.texts, "text"))
        self._names = self.kinds.keys()
        self.readings = {name: encoding.readings.get(name, _usual(kind)) for name, kind in self.kinds.items()}
        self._indicators: dict[str, dict[str, int]] = {}
        self._truth_values: dict[str, dict[bool, str]] = {}
        self._numeric = self.width = len(encoding.numbers) + DATE_PARTS * len(encoding.dates)
        for name, categories in encoding.texts.items():
            self._indicators[name] = {category: self.width + i for i, category in enumerate(categories)}
            self._truth_values[name] = truth_values_in(categories)
            self.width += len(categories)
        self._readers = self._readers_of(self.readings)
        self._fill, self._mean, self._scale = arrays["fill"], arrays["mean"], arrays["scale"]

    def encode(self, rows: Sequence[Features]) -> tuple[Matrix, Warnings]:
        matrix = np.zeros((len(rows), self.width))
        warnings = Warnings()
        for index, features in enumerate(rows):
            if features.keys() ^ self._names:
                features = self._match_names(features, index + 1)
            matrix[index, : self._numeric] = self._numeric_cells(features, index + 1)
            self._set_categories(features, index, matrix, warnings)
        self._prepare(matrix)
        return matrix, warnings

    def encode_columns(
        self, columns: Columns, rows: int, readings: Readings | None = None
    ) -> tuple[Matrix, RowErrors, UnknownCategories]:
        """Encode column by column; `readings` replaces the settings of some of them."""
        readers = self._readers if readings is None else self._readers_of({**self.readings, **readings})
        matrix, errors, unknown = np.zeros((rows, self.width)), RowErrors(), UnknownCategories()
        for position, name in enumerate(self._numbers):
            matrix[:, position] = list(_read_all(readers[name], columns[name], math.nan, name, errors))
        for position, name in enumerate(self._dates):
            start = len(self._numbers) + position * DATE_PARTS
            parts = list(_read_all(readers[name], columns[name], NO_DATE, name, errors))
            matrix[:, start : start + DATE_PARTS] = parts
        for name, indicators in self._indicators.items():
            for index, text in enumerate(_read_all(readers[name], columns[name], None, name, errors)):
                if text in indicators:
                    matrix[index, indicators[text]] = 1.0
                elif text is not None:
                    unknown.setdefault(index, []).append(name)
        self._prepare(matrix)
        return matrix, errors, unknown

    def _readers_of(self, readings: Readings) -> dict[str, ReadCell]:
        readers: dict[str, ReadCell] = {}
        for name, kind in self.kinds.items():
            reader = CellReader(readings[name])
            if kind == "number":
                readers[name] = reader.number
            elif kind == "date":
                readers[name] = partial(_date_parts, reader)
            else:
                readers[name] = partial(reader.text, truth_values=self._truth_values[name])
        return readers

    def _prepare(self, matrix: Matrix) -> None:
        numeric = matrix[:, : self._numeric]
        np.copyto(numeric, self._fill, where=np.isnan(numeric))
        numeric -= self._mean
        numeric /= self._scale

    def _match_names(self, features: Features, row: int) -> Features:
        """The features by the names of the header, without the label; raises for others and missing ones."""
        matched: dict[str, object] = {}
        for name, cell in features.items():
            own = name if name in self._names else clean_name(name)
            if own in self._names and own not in matched:
                matched[own] = cell
            elif own != self.label:
                raise UnknownFeature(name, row)
        for name in self._names:
            if name not in matched:
                raise MissingFeature(name, row)
        return matched

    def _numeric_cells(self, features: Features, row: int) -> list[float]:
        readers = self._readers
        cells = [_read(readers[name], features[name], name, row) for name in self._numbers]
        for name in self._dates:
            cells.extend(_read(readers[name], features[name], name, row))
        return cells

    def _set_categories(self, features: Features, index: int, matrix: Matrix, warnings: Warnings) -> None:
        for name, indicators in self._indicators.items():
            text = _read(self._readers[name], features[name], name, index + 1)
            if text in indicators:
                matrix[index, indicators[text]] = 1.0
            elif text is not None:
                warnings.add_unknown_category(index + 1, name)


def _read(read: ReadCell, cell: object, name: str, row: int) -> Any:  # Any: the result of `read`
    try:
        return read(cell)
    except InvalidCell as error:
        raise FeatureError(name, row, str(error)) from None


def _read_all(
    read: ReadCell, cells: Sequence[object], blank: Any, name: str, errors: RowErrors
) -> Iterator[Any]:  # Any: the result of `read`
    """The results for all cells; an unusable cell gives `blank` and an error for its row."""
    for index, cell in enumerate(cells):
        try:
            yield read(cell)
        except InvalidCell as error:
            errors.setdefault(index, f"'{name}': {error}")
            yield blank


def _usual(kind: FeatureType) -> ColumnReading:
    """The settings of a feature of a model of an earlier version."""
    return ColumnReading(type=kind)


def _date_parts(reader: CellReader, cell: object) -> tuple[float, ...]:
    """Year, month, day, weekday and days since 1970, as `DateParts` computes them in training."""
    date = reader.date(cell)
    if date is None:
        return NO_DATE
    days = (date - EPOCH) / timedelta(microseconds=1) / 86_400_000_000
    return (float(date.year), float(date.month), float(date.day), float(date.weekday()), days)
