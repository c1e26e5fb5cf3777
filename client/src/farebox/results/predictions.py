"""Predictions."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePath

from farebox.errors import InvalidArgument
from farebox.results.base import Charge, Result

Value = float | int | str
# The last column of a predicted CSV file shows its delimiter.
HEADER_END = re.compile(r"([,;\t|])(error|unknown_categories)\r\n")
LONGEST_HEADER = 1 << 20
CSV, JSON_LINES = "text/csv", "application/x-ndjson"
# The usual endings of a file's name by its media type, the first one for a new file.
SUFFIXES: Mapping[str, Sequence[str]] = {
    CSV: (".csv", ".tsv", ".tab", ".txt"),
    JSON_LINES: (".jsonl", ".ndjson", ".json"),
    "application/vnd.apache.parquet": (".parquet", ".pq"),
}
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TABLES = (*(suffix for suffixes in SUFFIXES.values() for suffix in suffixes), *WORKBOOKS)


class PredictionWarning(Result):
    """A cell that was read differently from its text; rows count from 1."""

    row: int
    feature: str
    detail: str


class Interval(Result):
    """A range that contains the number as often as the requested coverage."""

    low: float
    high: float


class Prediction(Result):
    """The prediction for one row; a class label has the type and spelling of the training data.

    Probabilities, and the interval or label set that contains the truth as often as `coverage`, are present
    on request. `warnings` are the first of them; `warning_count` counts all.
    """

    model: str
    prediction: Value
    probabilities: dict[str, float] | None = None
    coverage: float | None = None
    interval: Interval | None = None
    label_set: list[str | int] | None = None
    warnings: list[PredictionWarning]
    warning_count: int = 0
    charge: Charge | None = None


class Predictions(Result):
    """The predictions for several rows, in their order; see `Prediction`."""

    model: str
    predictions: list[Value]
    probabilities: list[dict[str, float]] | None = None
    coverage: float | None = None
    intervals: list[Interval] | None = None
    label_sets: list[list[str | int]] | None = None
    warnings: list[PredictionWarning]
    warning_count: int = 0
    charge: Charge | None = None


class PredictedFile(Result):
    """The file of rows with predictions; `failed` rows have the reason instead and cost nothing.

    `unknown` rows have a category that the model has not learnt. `scores` compare the predictions with the
    label, if the file has all its cells. `media_type` is that of the file; for CSV it names the charset.
    """

    path: Path
    rows: int
    failed: int
    unknown: int = 0
    scores: dict[str, float | None] | None = None
    media_type: str = "text/csv; charset=utf-8"
    charge: Charge | None = None

    def read(self, most: int | None = None) -> list[dict[str, str]]:
        """The rows of a CSV or JSON Lines file, or the first of them, as texts by column."""
        if not self.is_text:
            raise InvalidArgument(
                f"{self.path} is neither CSV nor JSON Lines; open it with a program for its format."
            )
        return self._read_csv(most) if self._media == CSV else self._read_json_lines(most)

    @property
    def is_text(self) -> bool:
        return self._media in {CSV, JSON_LINES}

    def name_after(self, source: str) -> str:
        """A name by the format of this file: `rows.predicted.csv` for the predicted rows of `rows.xlsx`."""
        source = source[:-3] if source.lower().endswith(".gz") else source
        name = PurePath(source)
        suffix = name.suffix.lower()
        stem = name.stem if suffix in TABLES else name.name
        usual = SUFFIXES.get(self._media, ("",))
        return f"{stem}.predicted{name.suffix if suffix in usual else usual[0]}"

    @property
    def _media(self) -> str:
        """The media type without its charset."""
        return self.media_type.partition(";")[0].strip()

    def _read_csv(self, most: int | None) -> list[dict[str, str]]:
        charset = self.media_type.partition("charset=")[2] or "utf-8"
        # Python's other codec of UTF-8 drops a byte order mark.
        encoding = "utf-8-sig" if charset == "utf-8" else charset
        with self.path.open(encoding=encoding, newline="") as file:
            header_end = HEADER_END.search(file.read(LONGEST_HEADER))
            if header_end is None:
                raise InvalidArgument(f"{self.path} has no header of predictions; download it again.")
            file.seek(0)
            return list(islice(csv.DictReader(file, delimiter=header_end[1]), most))

    def _read_json_lines(self, most: int | None) -> list[dict[str, str]]:
        """The rows with all columns in the order of CSV; a missing cell is an empty text."""
        # A line may have a carriage return between its cells.
        with self.path.open(encoding="utf-8", newline="\n") as file:
            rows = [_texts_of(line) for line in islice(file, most)]
        own, added = dict[str, None](), dict[str, None]()
        for names in map(list, rows):
            first = names.index("prediction")
            own |= dict.fromkeys(names[:first])
            added |= dict.fromkeys(names[first:])
        return [{name: row.get(name, "") for name in (*own, *added)} for row in rows]


def _texts_of(line: str) -> dict[str, str]:
    """The cells of a row as texts, with numbers as they are written."""
    cells = json.loads(line, parse_int=str, parse_float=str)
    return {name: _text_of(cell) for name, cell in cells.items()}


def _text_of(cell: str | bool | None) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).lower()
        case str():
            return cell
