"""CSV files, plain or gzip'd, row by row."""

import contextlib
import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO

from ml_service.learning.batches.formats import Added, Format, Piece, Values
from ml_service.learning.batches.texts import PIECE, Lines, find_encoding, opened
from ml_service.learning.predictors.encoding import Faults
from ml_service.learning.tables.cells import MISSING
from ml_service.learning.tables.dialects import (
    SAMPLED_CHARACTERS,
    Decimal,
    Delimiter,
    find_delimiter,
    take_hint,
)
from ml_service.learning.tables.errors import BadQuote, CellTooLong
from ml_service.learning.tables.headers import read_header
from ml_service.learning.tables.limits import CsvLimits, check_rows

COMMA_TO_POINT = str.maketrans(",.", ".,")


@dataclass(frozen=True, slots=True)
class CsvPiece:
    """Fields as they are in the file; those of a row of another length are cut or filled up."""

    names: dict[str, int]
    fields: list[list[str]]
    rows: int
    faults: Faults
    decimal: Decimal = "."

    def cells(self, name: str, kind: str) -> Sequence[object]:
        place = self.names[name]
        if kind == "number" and self.decimal == ",":
            return [row[place].translate(COMMA_TO_POINT) for row in self.fields]
        return [row[place] for row in self.fields]


class CsvFile:
    format = Format("text/csv; charset=utf-8", "csv")

    def __init__(self, path: Path, limits: CsvLimits) -> None:
        self._path, self._limits = path, limits
        self._encoding = find_encoding(path, limits)
        with opened(path, self._encoding) as text:
            begin, hint = take_hint(text.read(PIECE).encode())
        self._has_hint = hint is not None
        self._delimiter: Delimiter = hint or find_delimiter(
            begin[:SAMPLED_CHARACTERS].decode(errors="ignore")
        )
        self._decimal: Decimal | None = "." if self._delimiter == "," else None
        self.names = read_header(begin, self._delimiter, limits).names

    def count(self) -> int:
        rows = sum(1 for _ in self._records())
        check_rows(rows, self._limits)
        return rows

    def pieces(self, rows: int, numbers: Sequence[str]) -> Iterator[Piece]:
        records, names = self._records(), {name: place for place, name in enumerate(self.names)}
        while fields := list(islice(records, rows)):
            faults = _square(fields, len(names))
            piece = CsvPiece(names, fields, len(fields), faults)
            if self._decimal is None:
                self._decimal = "," if _uses_decimal_commas(piece, numbers) else "."
            yield replace(piece, decimal=self._decimal)

    @contextlib.contextmanager
    def writer(self, file: IO[bytes], added: Added) -> Generator["CsvWriter"]:
        text = io.TextIOWrapper(file, "utf-8", newline="", write_through=False)
        # The usual line end of CSV, which also makes the writer quote a lone carriage return.
        writer = csv.writer(text, delimiter=self._delimiter)
        writer.writerow([*self.names, *added])
        yield CsvWriter(writer.writerows)
        text.flush()
        text.detach()

    def _records(self) -> Iterator[list[str]]:
        with opened(self._path, self._encoding) as text:
            lines = Lines(text)
            if self._has_hint:
                next(lines)
            csv.field_size_limit(self._limits.cell_length)
            reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
            next(fields for fields in reader if fields)
            try:
                for fields in reader:
                    lines.begin_row()
                    if fields:
                        yield fields
            except csv.Error as error:
                raise self._explain(error, reader.line_num) from error

    def _explain(self, error: csv.Error, line: int) -> BadQuote | CellTooLong:
        if "field limit" in str(error):
            return CellTooLong(
                f"A cell here is over {self._limits.cell_length} characters; shorten it.", line=line
            )
        return BadQuote(
            "A quoted field that ends here is not closed, or text follows its closing quote.", line=line
        )


class CsvWriter:
    def __init__(self, write_rows: Callable[[Iterable[Sequence[object]]], object]) -> None:
        self._write_rows = write_rows

    def write(self, piece: Piece, values: Values) -> None:
        assert isinstance(piece, CsvPiece)  # noqa: S101 - a file writes its own pieces
        if piece.decimal == ",":
            values = [[_with_comma(each) for each in column] for column in values]
        self._write_rows([*row, *more] for row, *more in zip(piece.fields, *values, strict=True))


def _with_comma(value: object) -> object:
    return repr(value).replace(".", ",") if isinstance(value, float) else value


def _square(fields: list[list[str]], width: int) -> Faults:
    faults = Faults()
    for index, row in enumerate(fields):
        if len(row) != width:
            faults[index] = f"The row has {len(row)} fields, the header {width}."
            fields[index] = [*row, *[""] * width][:width]
    return faults


def _uses_decimal_commas(piece: CsvPiece, numbers: Sequence[str]) -> bool:
    """Whether in some column of numbers every cell can be one with a decimal comma, and some has one."""
    for name in numbers:
        present = [str(cell).strip() for cell in piece.cells(name, "text") if cell not in MISSING]
        if any("," in cell for cell in present) and not any("." in cell for cell in present):
            return True
    return False
