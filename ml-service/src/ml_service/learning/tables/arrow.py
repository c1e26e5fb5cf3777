"""Conversion of rows to typed columns with Arrow's CSV reader.

The reader is fast but reports no line numbers, so a refusal reads the file again to find the line.
"""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ml_service.learning.tables.column_types import MISSING_WORDS, IsInvalid, Location, Origin, too_long
from ml_service.learning.tables.dialect import Decimal, Delimiter
from ml_service.learning.tables.errors import CsvError, TooFewFields, TooManyFields
from ml_service.learning.tables.header import Header
from ml_service.learning.tables.records import find_line, records
from ml_service.learning.tables.table import ROW_BYTES, CsvLimits

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Body:
    """Content of a file with its header and dialect."""

    content: bytes
    header: Header
    delimiter: Delimiter
    decimal: Decimal
    limits: CsvLimits

    def origin(self) -> Origin:
        return Origin(self.decimal, self.limits.cell_length, self._locate)

    def _locate(self, name: str, is_invalid: IsInvalid) -> Location:
        position = self.header.names.index(name)
        return {"line": find_line(self.content, self.delimiter, position, is_invalid)}


def parse(body: Body, columns: Sequence[str], texts: Collection[str]) -> pa.Table:
    """The requested columns, each of a type that fits all its cells; columns in `texts` remain text."""
    parsed = _read(body, columns, dict.fromkeys(texts, pa.string()))
    ambiguous = [
        name
        for name in columns
        if pa.types.is_time(parsed.schema.field(name).type)
        or (pa.types.is_integer(parsed.schema.field(name).type) and _has_leading_zero(body))
    ]
    if not ambiguous:
        return parsed
    # Arrow reads 007 as 7, 0x10 as 16 and 1:30 as a time; columns with such cells are text.
    as_text = _read(body, ambiguous, dict.fromkeys(ambiguous, pa.string()))
    for name in ambiguous:
        position = parsed.schema.get_field_index(name)
        matches = pc.match_substring_regex(as_text.column(name), r"^\s*[+-]?(0\d|0[xX]|\d+:)")
        if pc.any(matches).as_py():
            parsed = parsed.set_column(position, name, as_text.column(name))
    return parsed


def _read(body: Body, columns: Sequence[str], types: Mapping[str, pa.DataType]) -> pa.Table:
    rows = pa.py_buffer(body.content)[body.header.end :]
    if not rows.size:
        return pa.table({name: pa.nulls(0) for name in columns})
    try:
        return pa_csv.read_csv(
            pa.BufferReader(rows),
            pa_csv.ReadOptions(column_names=body.header.names, block_size=ROW_BYTES),
            pa_csv.ParseOptions(delimiter=body.delimiter, newlines_in_values=b'"' in body.content),
            pa_csv.ConvertOptions(
                include_columns=columns,
                column_types=types,
                null_values=["", *MISSING_WORDS],
                strings_can_be_null=True,
                true_values=[],
                false_values=[],
                decimal_point=body.decimal,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _find_broken_row(body) from error


def _has_leading_zero(body: Body) -> bool:
    """True if a cell may start like 007 or 0x10; the scan is cheaper than a second read of the columns."""
    codes = np.frombuffer(body.content, np.uint8)
    for start in range(0, len(codes), CHUNK):
        before, zero, after = (codes[start + shift : start + shift + CHUNK] for shift in (0, 1, 2))
        size = len(after)
        digit_after = ((after - ord("0")) < 10) | ((after | 0x20) == ord("x"))
        # Neither a digit nor a point: a quote, sign, blank, line end or delimiter.
        edge_before = (before[:size] != ord(".")) & ((before[:size] - ord("0")) > 9)
        if ((zero[:size] == ord("0")) & digit_after & edge_before).any():
            return True
    return False


def _find_broken_row(body: Body) -> CsvError:
    width = len(body.header.names)
    rows = records(body.content, body.delimiter)
    next(rows)
    try:
        for row in rows:
            if len(row.fields) < width:
                return TooFewFields(
                    f"The row has {len(row.fields)} fields, the header {width}; add the missing ones.",
                    line=row.line,
                    column=body.header.names[len(row.fields)],
                )
            if len(row.fields) > width:
                return TooManyFields(
                    f"The row has {len(row.fields)} fields, the header {width}; "
                    "quote cells that contain the delimiter.",
                    line=row.line,
                    column=body.header.names[-1],
                )
            if max(map(len, row.fields)) > body.limits.cell_length:
                return too_long(_longest(body, row.fields), body.limits.cell_length, {"line": row.line})
    except csv.Error:
        pass  # check_quotes has accepted the file; Arrow and csv.reader differ on it
    return CsvError("The file cannot be read as CSV; export it again.")


def _longest(body: Body, fields: Sequence[str]) -> str:
    return max(zip(fields, body.header.names, strict=True), key=lambda pair: len(pair[0]))[1]
