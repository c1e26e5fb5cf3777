"""Table files as programs write them: pandas, pyarrow, DuckDB, Excel and R."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv


@dataclass(frozen=True)
class Writer:
    """A program's form of a file.

    `words` are its truth values, `hints` the settings that a reader cannot see from the file.
    """

    name: str
    write: Callable[[pd.DataFrame], bytes]
    words: tuple[str, str] = ("False", "True")
    hints: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Excel:
    """Excel's `Save as`: cells as they are displayed, in the locale of its user."""

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    decimal: str = "."
    line_end: str = "\r\n"
    day: str = "{0.month}/{0.day}/{0.year}"
    words: tuple[str, str] = ("FALSE", "TRUE")

    def __call__(self, frame: pd.DataFrame) -> bytes:
        rows = [frame.columns, *frame.astype(object).itertuples(index=False)]
        return "".join(self._print(row) + self.line_end for row in rows).encode(self.encoding)

    def _print(self, row: Iterable[object]) -> str:
        return self.delimiter.join(_quote_if_needed(self._display(cell), self.delimiter) for cell in row)

    def _display(self, cell: Any) -> str:
        if pd.isna(cell):
            return ""
        if isinstance(cell, bool):
            return self.words[cell]
        if isinstance(cell, datetime):
            return self.day.format(cell) + (
                f" {cell.hour}:{cell.minute:02}" if cell.hour or cell.minute else ""
            )
        return repr(cell).replace(".", self.decimal) if isinstance(cell, float) else str(cell)


@dataclass(frozen=True)
class R:
    """R's `write.csv` and `write.csv2`: texts, names and numbers of rows in quotes, NA without."""

    delimiter: str = ","
    decimal: str = "."
    has_row_names: bool = True

    def __call__(self, frame: pd.DataFrame) -> bytes:
        rows = [[_quote(name) for name in frame.columns]]
        rows += [[self._print(cell) for cell in row] for row in frame.astype(object).itertuples(index=False)]
        if self.has_row_names:
            rows = [[_quote(str(number or "")), *row] for number, row in enumerate(rows)]
        return "".join(self.delimiter.join(row) + "\n" for row in rows).encode()

    def _print(self, cell: Any) -> str:
        if pd.isna(cell):
            return "NA"
        if isinstance(cell, bool):
            return str(cell).upper()
        if isinstance(cell, str):
            return _quote(cell)
        if isinstance(cell, datetime):
            return str(cell).removesuffix(" 00:00:00")
        return f"{cell:.15g}".replace(".", self.decimal)


def to_duckdb(frame: pd.DataFrame) -> bytes:
    """`COPY … TO 'file.csv'`: quotes where needed, which includes a leading #, and nothing for NULL."""
    rows = [frame.columns, *frame.astype(object).itertuples(index=False)]
    return "".join(",".join(map(_print_like_duckdb, row)) + "\n" for row in rows).encode()


def to_pyarrow(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    pa_csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), sink)
    return sink.getvalue()


def to_parquet(frame: pd.DataFrame) -> bytes:
    """With an index that pandas stores as a column."""
    sink = io.BytesIO()
    frame.set_axis(range(len(frame), 2 * len(frame))[::-1]).to_parquet(sink)
    return sink.getvalue()


def _to_csv(
    encoding: str = "utf-8",
    **options: Any,  # Any: options of pandas
) -> Callable[[pd.DataFrame], bytes]:
    return lambda frame: frame.to_csv(index=False, **options).encode(encoding)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _quote_if_needed(text: str, delimiter: str) -> str:
    return _quote(text) if set(text) & {delimiter, '"', "\r", "\n"} else text


def _print_like_duckdb(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    if isinstance(cell, str):
        return _quote(cell) if cell.startswith("#") else _quote_if_needed(cell, ",")
    return str(cell).lower() if isinstance(cell, bool) else str(cell).removesuffix(" 00:00:00")


LOWER, UPPER = ("false", "true"), ("FALSE", "TRUE")
FALSCH_WAHR = ("FALSCH", "WAHR")
GERMAN_EXCEL = Excel("cp1252", ";", ",", day="{0.day:02}.{0.month:02}.{0.year}", words=FALSCH_WAHR)

WRITERS = [
    Writer("pandas", _to_csv()),
    Writer("pandas, semicolons and decimal commas", _to_csv(sep=";", decimal=",")),
    Writer("pandas, tabs", _to_csv(sep="\t")),
    Writer("pandas, everything quoted", _to_csv(quoting=csv.QUOTE_ALL)),
    Writer("pandas, NA", _to_csv(na_rep="NA")),
    Writer("pandas, UTF-16", _to_csv(encoding="utf-16")),
    Writer("pandas, gzip", lambda frame: gzip.compress(_to_csv()(frame))),
    Writer("pandas, Parquet", to_parquet),
    Writer("pyarrow", to_pyarrow, LOWER),
    Writer("DuckDB", to_duckdb, LOWER),
    Writer("Excel, CSV UTF-8", Excel(), UPPER),
    Writer("Excel, CSV", Excel("cp1252"), UPPER),
    Writer("Excel, German CSV", GERMAN_EXCEL, FALSCH_WAHR),
    Writer("Excel, Unicode text", Excel("utf-16", "\t"), UPPER),
    Writer("Excel, CSV (MS-DOS)", Excel("cp850"), UPPER, {"encoding": "cp850"}),
    Writer("Excel, CSV (Macintosh)", Excel("mac_roman", line_end="\r"), UPPER, {"encoding": "mac_roman"}),
    Writer("R, write.csv", R(), UPPER),
    Writer("R, write.csv without row names", R(has_row_names=False), UPPER),
    Writer("R, write.csv2", R(";", ","), UPPER),
]
