"""Conversion of rows to columns with Arrow's CSV reader.

The reader is fast but reports no line numbers, so a refusal reads the file again to find the line.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from ml_service.learning.tables.distinct_texts import too_long_cell
from ml_service.learning.tables.errors import CsvError, TooFewFields, TooManyFields
from ml_service.learning.tables.header import Header
from ml_service.learning.tables.missing import NUMBERS
from ml_service.learning.tables.records import SCANNED_BYTES, Record, records
from ml_service.learning.tables.settings import Reading
from ml_service.learning.tables.table import ROW_BYTES, CsvLimits

# No cell begins behind these, unless one of them separates cells.
WITHIN_NUMBERS = ".0123456789"


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a file below skipped lines, with its header; `lines_above` counts the skipped ones."""

    content: bytes
    header: Header
    delimiter: str
    quote: str
    limits: CsvLimits
    lines_above: int = 0

    def locate(self, rows: Sequence[int]) -> list[int]:
        """The lines of rows that are counted from 0 in ascending order."""
        if not rows:
            return []
        wanted, found = set(rows), list[int]()
        for row, record in enumerate(islice(self.rows(), rows[-1] + 1)):
            if row in wanted:
                found.append(record.line + self.lines_above)
        return found

    def rows(self) -> Iterator[Record]:
        one_column = len(self.header.names) == 1
        rows = records(self.content, self.delimiter, self.quote, blank_lines=one_column)
        return islice(rows, 1 if self.header.line else 0, None)


def parse(body: Body, columns: Sequence[str], reading: Reading) -> pa.Table:
    """The columns with the types that fit all their cells, or texts if the settings say so."""
    as_texts = {
        name: pa.string()
        for name in columns
        if reading.column(name).type in {"text", "boolean", "time"}
        or reading.column(name).missing is not None
    }
    return _read(body, columns, as_texts)


def read_texts(body: Body, columns: Sequence[str]) -> pa.Table:
    """The cells as they are in the file."""
    return _read(body, columns, dict.fromkeys(columns, pa.string()))


def has_leading_zeros(content: bytes, delimiter: str) -> bool:
    """True if a cell may start like 007 or 0x10, which Arrow reads as 7 and 16.

    The scan is cheaper than a second read of the columns. Up to one blank or sign may precede a zero.
    """
    codes = np.frombuffer(content, np.uint8)
    edge, blank = np.zeros(256, np.bool_), np.zeros(256, np.bool_)
    edge[[ord(delimiter), *b"\n\r\"'"]] = True
    blank[[*b" \t+-"]] = True
    for start in range(0, len(codes), SCANNED_BYTES):
        end = start + SCANNED_BYTES
        last, before, zero, after = (codes[start + shift : end + shift] for shift in range(4))
        size = len(after)
        # In place, and on the candidates only: masks of all bytes for each question take six times as long.
        begins = zero[:size] == ord("0")
        begins &= ((after - ord("0")) < 10) | ((after | 0x20) == ord("x"))
        if delimiter not in WITHIN_NUMBERS:
            begins &= (before[:size] - ord("0")) > 9
            begins &= before[:size] != ord(".")
        places = np.flatnonzero(begins)
        before, last = before[places], last[places]
        if (edge[before] | (blank[before] & (edge[last] | blank[last]))).any():
            return True
    return False


def _read(body: Body, columns: Sequence[str], types: dict[str, pa.DataType]) -> pa.Table:
    rows = pa.py_buffer(body.content)[body.header.end :]
    if not rows.size:
        return pa.table({name: pa.nulls(0) for name in columns})
    quote = body.quote or False
    try:
        return pa_csv.read_csv(
            pa.BufferReader(rows),
            pa_csv.ReadOptions(column_names=body.header.names, block_size=ROW_BYTES),
            pa_csv.ParseOptions(
                delimiter=body.delimiter,
                quote_char=quote,
                newlines_in_values=bool(quote) and body.quote.encode() in body.content,
                ignore_empty_lines=len(body.header.names) > 1,
            ),
            pa_csv.ConvertOptions(
                include_columns=columns,
                column_types=types,
                # Texts keep these words, among which other rules decide.
                null_values=sorted(NUMBERS),
                strings_can_be_null=False,
                true_values=[],
                false_values=[],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _find_broken_row(body) from error


def _find_broken_row(body: Body) -> CsvError:
    names, limits = body.header.names, body.limits
    try:
        for row in body.rows():
            line = row.line + body.lines_above
            if len(row.fields) < len(names):
                return TooFewFields(
                    f"The row has {len(row.fields)} fields, the header {len(names)}; add the missing ones, "
                    "or set the number of lines to skip if it does not belong to the table.",
                    line=line,
                    column=names[len(row.fields)],
                )
            if len(row.fields) > len(names):
                return TooManyFields(
                    f"The row has {len(row.fields)} fields, the header {len(names)}; "
                    "quote cells that contain the delimiter.",
                    line=line,
                    column=names[-1],
                )
            if max(map(len, row.fields)) > limits.cell_length:
                name = max(zip(row.fields, names, strict=True), key=lambda pair: len(pair[0]))[1]
                return too_long_cell(name, limits.cell_length, {"line": line})
    except csv.Error:
        pass  # check_quotes has accepted the file; Arrow and csv.reader differ on it
    return CsvError("The file cannot be read as CSV; export it again.")
