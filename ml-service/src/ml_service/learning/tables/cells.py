"""Single cells, of a request or of a batch, read as those of the same column in training."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from ml_service.learning.tables.column_values import TRUTH_VALUES
from ml_service.learning.tables.dates import read_date, read_time
from ml_service.learning.tables.missing import missing_words
from ml_service.learning.tables.number_notation import BLANKS, LARGEST_NUMBER, LONGEST_NUMBER, read_number
from ml_service.learning.tables.settings import ISO, ColumnReading
from ml_service.learning.tables.table import DEFAULT_LIMITS

# As in files of tables.
LONGEST_TEXT = DEFAULT_LIMITS.cell_length


class InvalidCell(Exception):
    """An unusable cell, with the reason."""


class CellReader:
    """Reads the cells of one column."""

    __slots__ = ("_is_time", "_missing", "_missing_numbers", "_reading")

    def __init__(self, reading: ColumnReading) -> None:
        self._reading, self._missing = reading, missing_words(reading)
        self._is_time = reading.type == "time"
        # Such as -999, which is a number in JSON and in files with types.
        numbers = {read_number(word, reading) for word in reading.missing or ()}
        self._missing_numbers = frozenset(numbers - {None})

    def number(self, cell: object) -> float:
        """A number, also from text; NaN for a missing cell."""
        if cell is None:
            return math.nan
        if isinstance(cell, str):
            number = self._number_in(cell)
            if number is None:
                return math.nan
            cell = number
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            raise InvalidCell("It must be a number.")
        if self._missing_numbers and cell in self._missing_numbers:
            return math.nan
        if not abs(cell) <= LARGEST_NUMBER:
            raise InvalidCell("It must be a finite number, at most 1e30.")
        return float(cell)

    def date(self, cell: object) -> datetime | None:
        """A date without a zone, in UTC; None for a missing cell."""
        if isinstance(cell, str) and len(cell) <= LONGEST_NUMBER:
            text = cell.strip(BLANKS)
            if text in self._missing:
                return None
            moment = read_date(text, self._reading.format or ISO)
            # JSON has ISO dates only, however the file wrote them.
            moment = moment or read_date(text, ISO)
            if moment is not None:
                return moment
            if self._reading.exceptions == "missing":
                return None
        elif cell is None:
            return None
        raise InvalidCell(f"It must be a date such as {self._example_date()}.")

    def text(self, cell: object, truth_values: dict[bool, str]) -> str | None:
        """A text; None for a missing cell. True and false stand for the categories in `truth_values`."""
        if cell is None:
            return None
        if isinstance(cell, bool) and cell in truth_values:
            return truth_values[cell]
        if not isinstance(cell, str):
            raise InvalidCell("It must be text.")
        if len(cell) > LONGEST_TEXT:
            raise InvalidCell(f"It must be text of at most {LONGEST_TEXT} characters.")
        text = cell if self._reading.trim is False else cell.strip()
        if text.strip() in self._missing:
            return None
        if self._reading.type == "boolean":
            value = TRUTH_VALUES.get(text.lower())
            return text if value is None else truth_values.get(value, text)
        return text

    def _number_in(self, cell: str) -> float | None:
        if len(cell) > LONGEST_NUMBER:
            raise InvalidCell(f"It must be a number of at most {LONGEST_NUMBER} characters.")
        text = cell.strip(BLANKS)
        if text in self._missing:
            return None
        number = read_time(text) if self._is_time else read_number(text, self._reading)
        if number is None:
            if self._reading.exceptions == "missing":
                return None
            raise InvalidCell("It must be a time such as 13:45." if self._is_time else "It must be a number.")
        return number

    def _example_date(self) -> str:
        example, format = datetime(2026, 1, 31, tzinfo=UTC), self._reading.format
        return example.date().isoformat() if format in {None, ISO} else example.strftime(str(format))


def truth_values_in(categories: Sequence[str]) -> dict[bool, str]:
    """The category that stands for true, and that for false."""
    known = ((TRUTH_VALUES.get(category.lower()), category) for category in categories)
    return {value: category for value, category in known if value is not None}
