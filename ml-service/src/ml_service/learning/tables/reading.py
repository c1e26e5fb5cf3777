"""Strict reading of a whole file: every cell understood as it was meant, or the file refused."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ml_service.learning.tables.arrow import Body, parse
from ml_service.learning.tables.column_types import (
    classify,
    correct,
    refuse_few_exceptions,
    uses_decimal_commas,
)
from ml_service.learning.tables.content import read_text
from ml_service.learning.tables.dialect import Dialect, find_delimiter
from ml_service.learning.tables.header import read_header
from ml_service.learning.tables.parquet import is_parquet, read_parquet
from ml_service.learning.tables.records import check_quotes
from ml_service.learning.tables.table import (
    DEFAULT_LIMITS,
    Column,
    ColumnType,
    CsvLimits,
    Table,
    check_rows,
)


def read_table(
    path: Path,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    kinds: Mapping[str, ColumnType] | None = None,
) -> Table:
    """Read a CSV file, plain or gzip-compressed, or a Parquet file, recognised by its content.

    Columns that are not in `columns` are skipped; `kinds` sets the types of some. Raises a `CsvError`
    that names the place of the fault.
    """
    if is_parquet(path):
        return read_parquet(path, limits, columns, kinds or {})
    return read_csv(path, None, limits, columns, kinds)


def read_csv(
    path: Path,
    dialect: Dialect | None = None,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    kinds: Mapping[str, ColumnType] | None = None,
) -> Table:
    """Read a CSV file whose dialect may be known."""
    known, kinds = dialect or Dialect(), kinds or {}
    text = read_text(Path(path), known.encoding, limits)
    content = text.to_utf8()
    delimiter = known.delimiter or text.delimiter or find_delimiter(text.sample)
    header = read_header(content, delimiter, limits)
    check_quotes(content, delimiter)
    wanted = [name for name in header.names if columns is None or name in columns]
    texts = [name for name in wanted if kinds.get(name) == "text"]
    body = Body(content, header, delimiter, known.decimal or ".", limits)
    # Arrow checks the width of every row for any choice of columns except an empty one.
    parsed = parse(body, wanted or header.names[:1], texts)
    if known.decimal is None and delimiter != "," and uses_decimal_commas(parsed.drop_columns(texts)):
        body = replace(body, decimal=",")
        parsed = parse(body, wanted or header.names[:1], texts)
    check_rows(parsed.num_rows, limits)
    detected = Dialect(text.encoding, delimiter, body.decimal, text.compression)
    read = {name: _type_column(name, parsed, kinds, body) for name in wanted}
    return Table(header.names, read, parsed.num_rows, detected)


def _type_column(name: str, parsed: pa.Table, kinds: Mapping[str, ColumnType], body: Body) -> Column:
    cells, origin = parsed.column(name), body.origin()
    if name in kinds:
        return correct(name, cells, kinds[name], origin)
    column = classify(name, cells, origin)
    if column.kind == "text":
        refuse_few_exceptions(column, origin)
    return column
