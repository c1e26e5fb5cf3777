"""Strict reading of whole files: every cell is read without guessing, or the file is refused."""

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
from ml_service.learning.tables.stored_files import require_file
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

    Only columns named in `columns` are read; `kinds` sets the types of some. Raises a `CsvError` with the
    location of the fault.
    """
    require_file(path)
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
    """Read a CSV file; missing parts of the dialect are detected."""
    dialect, kinds = dialect or Dialect(), kinds or {}
    text = read_text(Path(path), dialect.encoding, limits)
    content = text.to_utf8()
    delimiter = dialect.delimiter or text.delimiter or find_delimiter(text.sample)
    header = read_header(content, delimiter, limits)
    check_quotes(content, delimiter)
    selected = [name for name in header.names if columns is None or name in columns]
    texts = [name for name in selected if kinds.get(name) == "text"]
    body = Body(content, header, delimiter, dialect.decimal or ".", limits)
    # Arrow checks the width of the rows only if it reads at least one column.
    parsed = parse(body, selected or header.names[:1], texts)
    if dialect.decimal is None and delimiter != "," and uses_decimal_commas(parsed.drop_columns(texts)):
        body = replace(body, decimal=",")
        parsed = parse(body, selected or header.names[:1], texts)
    check_rows(parsed.num_rows, limits)
    detected = Dialect(text.encoding, delimiter, body.decimal, text.compression)
    typed = {name: _type_column(name, parsed, kinds, body) for name in selected}
    return Table(header.names, typed, parsed.num_rows, detected)


def _type_column(name: str, parsed: pa.Table, kinds: Mapping[str, ColumnType], body: Body) -> Column:
    cells, origin = parsed.column(name), body.origin()
    if name in kinds:
        return correct(name, cells, kinds[name], origin)
    column = classify(name, cells, origin)
    if column.kind == "text":
        refuse_few_exceptions(column, origin)
    return column
