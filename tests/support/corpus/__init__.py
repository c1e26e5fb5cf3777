"""The corpus: small tables as people have them, each with its origin and its golden reading.

A file for each kind; together they show what the reader does. All values are invented.
"""

from tests.support.corpus import (
    code_pages,
    dates,
    decisions,
    dialects,
    encodings,
    exact_values,
    headers,
    json_lines,
    layouts,
    missing,
    numbers,
    parquet,
    refused,
    texts,
    thousands,
    times,
    workbooks,
)
from tests.support.corpus.case import PLAIN, Cell, Read, Refused

READ_CSV: list[Read] = [
    *(case for kind in (numbers, thousands, exact_values, missing, decisions) for case in kind.READ),
    *(case for kind in (dates, times, texts) for case in kind.READ),
    *(case for kind in (encodings, code_pages, dialects, headers, layouts) for case in kind.READ),
]
READ_PARQUET: list[Read] = parquet.READ
READ_OTHERS: list[Read] = [*READ_PARQUET, *workbooks.READ, *json_lines.READ]
READ: list[Read] = [*READ_CSV, *READ_OTHERS]
REFUSED_CSV: list[Refused] = refused.REFUSED
REFUSED: list[Refused] = [*REFUSED_CSV, *parquet.REFUSED, *workbooks.REFUSED, *json_lines.REFUSED]

__all__ = ["PLAIN", "READ", "READ_CSV", "READ_PARQUET", "REFUSED", "REFUSED_CSV", "Cell", "Read", "Refused"]
