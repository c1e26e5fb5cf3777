"""JSON Lines: one flat object on each line, read into the same tables as CSV files, whole or in pieces."""

# pyarrow.compute generates its functions at import:
# pyright: reportAttributeAccessIssue=false

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from ml_service.learning.tables.column_types import Read, needs_texts, read_column
from ml_service.learning.tables.content import CsvText
from ml_service.learning.tables.distinct_texts import Source
from ml_service.learning.tables.errors import EmptyFile, JsonTypeUnsupported, NotCsv, NulByte
from ml_service.learning.tables.header import check_names
from ml_service.learning.tables.json_faults import NESTED, find_fault, numbered_lines
from ml_service.learning.tables.number_notation import LARGEST_EXACT
from ml_service.learning.tables.settings import Reading
from ml_service.learning.tables.table import ROW_BYTES, CsvLimits, Table, check_rows

# Arrow's reader needs its stack for about 20,000 levels.
SHALLOW_BYTES, MOST_BRACKETS = 10_000, 1_000
BRACKET, TEXT = re.compile(rb"[\[{]"), re.compile(rb'"(?:[^"\\]|\\.)*"')
# What a first look reads to find columns whose texts are like dates.
SAMPLED_BYTES = 1 << 16


def is_json_lines(sample: str) -> bool:
    """True for a text that begins with an object; raises NotCsv for an array of objects."""
    begin = sample.lstrip()
    inside = begin[1:].lstrip()
    if begin.startswith("[") and inside.startswith("{"):
        raise NotCsv("This is a JSON array; save it as JSON Lines, which has one object on each line.")
    return begin.startswith("{") and inside.startswith(('"', "}"))


def read_json_lines(
    text: CsvText, limits: CsvLimits, columns: Collection[str] | None, reading: Reading
) -> Table:
    content = text.to_utf8()
    parsed = parse_lines(content)
    if not parsed.num_columns:
        raise EmptyFile("The objects are empty; write the name and the cell of each column into them.")
    check_rows(parsed.num_rows, limits)
    names = check_names(parsed.column_names, None, limits)
    reader = _ColumnReader(content, limits)
    omitted = {name: each for name, each in reading.columns.items() if each.type == "omitted"}
    read: dict[str, Read] = {}
    for name, key in zip(names, parsed.column_names, strict=True):
        if (columns is None or name in columns) and name not in omitted:
            read[name] = reader.read(name, key, parsed.column(key), reading)
    by_name = omitted | {name: column.reading for name, (column, _) in read.items()}
    return Table(
        names,
        {name: column for name, (column, _) in read.items()},
        parsed.num_rows,
        replace(
            reading,
            encoding=text.encoding,
            compression=text.compression,
            columns={name: by_name[name] for name in names if name in by_name},
        ),
        [finding for _, found in read.values() for finding in found],
        "json",
    )


def parse_lines(content: bytes, lines_before: int = 0) -> pa.Table:
    """The rows with the types that Arrow finds, but texts like dates as they are written.

    Raises the refusal of the first line that is not a flat object, or of another type than those above.
    """
    lines = _count_lines(content, lines_before)
    try:
        sample = content[: content.rfind(b"\n", 0, SAMPLED_BYTES) + 1]
        first = _read(sample, []) if sample.strip() else None
        moments = [] if first is None else _find_moments(first)
        parsed = _read(content, moments)
        if later := _find_moments(parsed):
            parsed = _read(content, [*moments, *later])
    except pa.ArrowInvalid as error:
        raise find_fault(content, lines_before) from error
    is_nested = any(pa.types.is_nested(type_) for type_ in parsed.schema.types)
    if is_nested or parsed.num_rows != lines:
        raise find_fault(content, lines_before)
    # In the order of the file.
    return parsed.select(dict.fromkeys([*(first.column_names if first else ()), *parsed.column_names]))


def exact_numbers(lines: Iterable[bytes], key: str) -> list[str | None]:
    """The numbers of a column as they are written: Arrow rounds those beyond 64 bits."""

    def write(constant: str) -> str | None:
        return None if constant == "NaN" else constant

    rows = (json.loads(line, parse_int=str, parse_float=str, parse_constant=write) for line in lines)
    return [row.get(key) for row in rows]


def has_inexact(cells: pa.ChunkedArray) -> bool:
    return pa.types.is_floating(cells.type) and (pc.max(pc.abs(cells)).as_py() or 0) > LARGEST_EXACT


def as_texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as they are written, but for numbers that are not exact."""
    return pc.if_else(cells, "true", "false") if pa.types.is_boolean(cells.type) else cells.cast(pa.string())


def _read(content: bytes, texts: Sequence[str]) -> pa.Table:
    return pa_json.read_json(
        pa.BufferReader(content),
        pa_json.ReadOptions(block_size=ROW_BYTES),
        pa_json.ParseOptions(explicit_schema=pa.schema([(name, pa.string()) for name in texts])),
    )


def _find_moments(parsed: pa.Table) -> list[str]:
    return [field.name for field in parsed.schema if pa.types.is_timestamp(field.type)]


def _count_lines(content: bytes, lines_before: int) -> int:
    """The lines that are not blank; raises for one that is so deep that Arrow's reader would crash."""
    count = 0
    for number, line in numbered_lines(content, lines_before):
        count += 1
        if len(line) > SHALLOW_BYTES and len(BRACKET.findall(TEXT.sub(b"", line))) > MOST_BRACKETS:
            raise JsonTypeUnsupported(NESTED, line=number)
    return count


class _ColumnReader:
    def __init__(self, content: bytes, limits: CsvLimits) -> None:
        self._content = content
        self._source = Source(".", limits.cell_length, "line", self._locate, typed=True)

    def read(self, name: str, key: str, cells: pa.ChunkedArray, reading: Reading) -> Read:
        setting, texts = reading.column(name), None
        if pa.types.is_string(cells.type) and pc.any(pc.match_substring(cells, "\0")).as_py():
            raise NulByte("There is a NUL character in a cell here; remove it.", column=name)
        if pa.types.is_boolean(cells.type):
            cells = as_texts(cells)
        if pa.types.is_floating(cells.type):
            cells = pc.if_else(pc.is_nan(cells), None, cells)
        if not pa.types.is_string(cells.type) and needs_texts(cells.drop_null(), setting):
            texts = as_texts(cells)
            if has_inexact(cells):
                texts = pa.chunked_array([pa.array(exact_numbers(self._lines(), key), pa.string())])
        return read_column(name, cells, texts, setting, self._source)

    def _lines(self) -> Iterator[bytes]:
        return (line for _, line in numbered_lines(self._content))

    def _locate(self, rows: Sequence[int]) -> list[int]:
        numbers = list(islice((number for number, _ in numbered_lines(self._content)), rows[-1] + 1))
        return [numbers[row] for row in rows]
