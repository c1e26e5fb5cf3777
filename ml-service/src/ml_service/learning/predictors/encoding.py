"""From a request's features to the row of numbers that a model was fitted on."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ml_service.learning.model_types.protocol import Arrays, Matrix
from ml_service.learning.predictors.cells import NO_DATE, Unfit, to_date_parts, to_number, to_text
from ml_service.learning.predictors.errors import FeatureError, MissingFeature, UnknownFeature

Features = Mapping[str, object]
Kind = Literal["number", "date", "text"]
Columns = Mapping[str, Sequence[object]]
# Why a row cannot be used, by its index.
Faults = dict[int, str]
DATE_PARTS = 5


@dataclass(frozen=True, slots=True)
class Encoding:
    """Where each feature's numbers go in a row: numbers, parts of dates, then a place for each category."""

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        texts = {name: list(each) for name, each in self.texts.items()}
        return {"numbers": list(self.numbers), "dates": list(self.dates), "texts": texts}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Encoding":  # Any: JSON
        return cls(tuple(document["numbers"]), tuple(document["dates"]), document["texts"])


@dataclass(frozen=True, slots=True)
class FeatureWarning:
    """Something in a request that was understood otherwise than it was sent; rows count from 1."""

    row: int
    feature: str
    detail: str


class Encoder:
    """Encodes requests as the preparation of the training did."""

    def __init__(self, encoding: Encoding, arrays: Arrays) -> None:
        self._numbers = encoding.numbers
        self._dates = encoding.dates
        self.kinds: dict[str, Kind] = dict.fromkeys(encoding.numbers, "number")
        self.kinds.update(dict.fromkeys(encoding.dates, "date"))
        self.kinds.update(dict.fromkeys(encoding.texts, "text"))
        self._names = self.kinds.keys()
        self._places: dict[str, dict[str, int]] = {}
        self._truth_values: dict[str, dict[bool, str]] = {}
        self._numeric = self.width = len(encoding.numbers) + DATE_PARTS * len(encoding.dates)
        for name, categories in encoding.texts.items():
            self._places[name] = {category: self.width + i for i, category in enumerate(categories)}
            self._truth_values[name] = _truth_values(categories)
            self.width += len(categories)
        self._fill, self._mean, self._scale = arrays["fill"], arrays["mean"], arrays["scale"]

    def encode(self, rows: Sequence[Features]) -> tuple[Matrix, list[FeatureWarning]]:
        matrix = np.zeros((len(rows), self.width))
        warnings: list[FeatureWarning] = []
        for index, features in enumerate(rows):
            if features.keys() ^ self._names:
                self._refuse_names(features, index + 1)
            matrix[index, : self._numeric] = self._numeric_cells(features, index + 1)
            self._mark_categories(features, index, matrix, warnings)
        self._prepare(matrix)
        return matrix, warnings

    def encode_columns(self, columns: Columns, rows: int) -> tuple[Matrix, Faults]:
        """The same, column by column; a category that is not known counts as missing without a word."""
        matrix, faults = np.zeros((rows, self.width)), Faults()
        for place, name in enumerate(self._numbers):
            matrix[:, place] = list(_usable(to_number, columns[name], math.nan, name, faults))
        for place, name in enumerate(self._dates):
            start = len(self._numbers) + place * DATE_PARTS
            parts = list(_usable(to_date_parts, columns[name], NO_DATE, name, faults))
            matrix[:, start : start + DATE_PARTS] = parts
        for name, places in self._places.items():
            truth_values = self._truth_values[name]
            texts = _usable(
                lambda cell, known=truth_values: to_text(cell, known), columns[name], None, name, faults
            )
            for index, text in enumerate(texts):
                if text in places:
                    matrix[index, places[text]] = 1.0
        self._prepare(matrix)
        return matrix, faults

    def _prepare(self, matrix: Matrix) -> None:
        numeric = matrix[:, : self._numeric]
        np.copyto(numeric, self._fill, where=np.isnan(numeric))
        numeric -= self._mean
        numeric /= self._scale

    def _refuse_names(self, features: Features, row: int) -> None:
        for name in features:
            if name not in self._names:
                raise UnknownFeature(name, row)
        missing = next(name for name in (*self._numbers, *self._dates, *self._places) if name not in features)
        raise MissingFeature(missing, row)

    def _numeric_cells(self, features: Features, row: int) -> list[float]:
        cells = [_understood(to_number, features[name], name, row) for name in self._numbers]
        for name in self._dates:
            cells.extend(_understood(to_date_parts, features[name], name, row))
        return cells

    def _mark_categories(
        self, features: Features, index: int, matrix: Matrix, warnings: list[FeatureWarning]
    ) -> None:
        for name, places in self._places.items():
            truth_values = self._truth_values[name]
            text = _understood(
                lambda cell, known=truth_values: to_text(cell, known), features[name], name, index + 1
            )
            if text in places:
                matrix[index, places[text]] = 1.0
            elif text is not None:
                detail = f"Row {index + 1}, '{name}': The model knows no such category; it counts as missing."
                warnings.append(FeatureWarning(index + 1, name, detail))


def _understood(
    understand: Callable[[object], Any], cell: object, name: str, row: int
) -> Any:  # Any: as it gives
    try:
        return understand(cell)
    except Unfit as error:
        raise FeatureError(name, row, str(error)) from None


def _usable(
    understand: Callable[[object], Any], cells: Sequence[object], blank: Any, name: str, faults: Faults
) -> Iterator[Any]:  # Any: as it gives
    """Each cell as it is understood, or blank with its row's fault noted."""
    for index, cell in enumerate(cells):
        try:
            yield understand(cell)
        except Unfit as error:
            faults.setdefault(index, f"'{name}': {error}")
            yield blank


def _truth_values(categories: Sequence[str]) -> dict[bool, str]:
    spellings = {category.lower(): category for category in categories}
    return {value: spellings[word] for value, word in ((True, "true"), (False, "false")) if word in spellings}
