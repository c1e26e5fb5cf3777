"""Reading a file strictly: every cell understood as it was meant, or the file refused."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ml_service.learning.tables.arrow import Body, parse
from ml_service.learning.tables.content import read_content
from ml_service.learning.tables.dialects import SAMPLED_CHARACTERS, Dialect, find_delimiter
from ml_service.learning.tables.headers import read_header
from ml_service.learning.tables.kinds import classify, correct, refuse_few_exceptions, uses_decimal_commas
from ml_service.learning.tables.limits import DEFAULT_LIMITS, CsvLimits, check_rows
from ml_service.learning.tables.parquet import is_parquet, read_parquet
from ml_service.learning.tables.quotes import check_quotes
from ml_service.learning.tables.table import Column, Kind, Table


def read_table(
    path: Path,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Table:
    """The table of a CSV file, plain or gzip'd, or of a Parquet file: its content tells which.

    Of `columns` those that it has; `kinds` are what columns are whatever they look like. Raises a `CsvError`
    that says where it found what it cannot take.
    """
    if is_parquet(path):
        return read_parquet(path, limits, columns, kinds or {})
    return read_csv(path, None, limits, columns, kinds)


def read_csv(
    path: Path,
    dialect: Dialect | None = None,
    limits: CsvLimits = DEFAULT_LIMITS,
    columns: Collection[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
) -> Table:
    """As `read_table`, of a CSV file of which more may be known."""
    known, kinds = dialect or Dialect(), kinds or {}
    written = read_content(Path(path), known.encoding, limits)
    content = written.text
    sample = content[:SAMPLED_CHARACTERS].decode(errors="ignore")
    delimiter = known.delimiter or written.delimiter or find_delimiter(sample)
    header = read_header(content, delimiter, limits)
    check_quotes(content, delimiter)
    wanted = [name for name in header.names if columns is None or name in columns]
    texts = [name for name in wanted if kinds.get(name) == "text"]
    body = Body(content, header, delimiter, known.decimal or ".", limits)
    # Arrow checks the width of every row whichever columns it is asked for, but not of none.
    parsed = parse(body, wanted or header.names[:1], texts)
    if known.decimal is None and delimiter != "," and uses_decimal_commas(parsed.drop_columns(texts)):
        body = replace(body, decimal=",")
        parsed = parse(body, wanted or header.names[:1], texts)
    check_rows(parsed.num_rows, limits)
    found = Dialect(written.encoding, delimiter, body.decimal, written.compression)
    understood = {name: _understand(name, parsed, kinds, body) for name in wanted}
    return Table(header.names, understood, parsed.num_rows, found)


def _understand(name: str, parsed: pa.Table, kinds: Mapping[str, Kind], body: Body) -> Column:
    cells, origin = parsed.column(name), body.origin()
    if name in kinds:
        return correct(name, cells, kinds[name], origin)
    column = classify(name, cells, origin)
    if column.kind == "text":
        refuse_few_exceptions(column, origin)
    return column
