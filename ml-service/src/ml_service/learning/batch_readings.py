"""Settings of a batch: the marks of its own numbers, and the comparison with its label if it has one."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ml_service.learning.predictors.encoding import Columns, Readings
from ml_service.learning.predictors.predictor import ColumnPredictions, Label, Predictor
from ml_service.learning.tables.cells import CellReader, InvalidCell, truth_values_in
from ml_service.learning.tables.dialect import Decimal
from ml_service.learning.tables.missing import missing_words
from ml_service.learning.tables.number_notation import find_notation, read_numbers
from ml_service.learning.tables.row_stream import CsvStream, RowPiece, RowStream
from ml_service.learning.tables.settings import ColumnReading


def find_readings(stream: RowStream, columns: Columns, predictor: Predictor) -> Readings:
    """The settings of training, with the marks of the file where those do not read its numbers.

    The first rows decide, as the settings of a file are detected from its beginning.
    """
    if not isinstance(stream, CsvStream):
        return {}
    numbers = [name for name, kind in predictor.kinds.items() if kind == "number"]
    readings = {name: predictor.readings[name] for name in numbers if predictor.readings[name].type != "time"}
    found = {name: _fit_marks(columns[name], reading, ".") for name, reading in readings.items()}
    if stream.delimiter == "," or not any(
        found[name].decimal == "," != readings[name].decimal for name in found
    ):
        return found
    # A file with decimal commas has them in its other columns, too.
    return {name: _fit_marks(columns[name], reading, ",") for name, reading in readings.items()}


class BatchScores:
    """Compares predictions with the label's column, for a file that has all its cells."""

    def __init__(self, stream: RowStream, predictor: Predictor) -> None:
        self._name = predictor.label if predictor.label in stream.names else None
        self._classes = predictor.classes
        self._is_text = bool(self._classes) and isinstance(self._classes[0], str)
        self._reader = CellReader(predictor.label_reading)
        self._actual: list[Label] = []
        self._predicted: list[Label] = []

    def add(self, piece: RowPiece, predicted: ColumnPredictions) -> None:
        if self._name is None:
            return
        try:
            cells = piece.cells(self._name, "text" if self._is_text else "number")
            for row, cell in enumerate(cells):
                if row not in predicted.errors:
                    self._actual.append(self._read(cell))
                    self._predicted.append(predicted.predictions.values[row])
        except InvalidCell:
            self._name = None

    def compute(self) -> Mapping[str, float | None] | None:
        """The share of right classes, or scikit-learn's R2 and mean absolute error."""
        if self._name is None or not self._actual:
            return None
        rows = len(self._actual)
        if self._classes:
            pairs = zip(self._actual, self._predicted, strict=True)
            return {"rows": rows, "accuracy": sum(actual == given for actual, given in pairs) / rows}
        from sklearn import metrics  # slow to import, and seldom needed

        r2 = metrics.r2_score(self._actual, self._predicted) if rows > 1 else None
        error = metrics.mean_absolute_error(self._actual, self._predicted)
        return {"rows": rows, "r2_score": r2, "mean_absolute_error": float(error)}

    def _read(self, cell: object) -> Label:
        """The label; raises InvalidCell for a missing one, too."""
        if self._is_text:
            text = self._reader.text(cell, truth_values_in([str(label) for label in self._classes]))
            if text is None:
                raise InvalidCell("It must be a class.")
            return text
        number = self._reader.number(cell)
        if number != number:
            raise InvalidCell("It must be a number.")
        return number


def _fit_marks(cells: Sequence[object], reading: ColumnReading, usual: Decimal) -> ColumnReading:
    words = missing_words(replace(reading, type="number"))
    texts = pa.array([str(cell) for cell in cells]).dictionary_encode().dictionary
    present = texts.filter(pc.invert(pc.is_in(pc.utf8_trim_whitespace(texts), pa.array(sorted(words)))))
    if usual == (reading.decimal or ".") and not read_numbers(present, reading).null_count:
        return reading
    marks = replace(reading, decimal=None, thousands=None, unit=reading.unit)
    counts = pa.array([1] * len(present), pa.int64())
    notation = find_notation(present, counts, marks, usual)
    own = len(present) - read_numbers(present, reading).null_count
    read = len(notation.numbers) - notation.numbers.null_count
    better = read > own or (read == own and usual != (reading.decimal or "."))
    return notation.reading if better else reading
