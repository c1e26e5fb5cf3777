"""Random tables come back cell by cell from the files of pandas, pyarrow, DuckDB, Excel and R."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.writers import WRITERS, Writer

from ml_service.learning.tables import Reading, read_table

SEEDS = range(8)
MOST_ROWS = 60
MISSING_SHARE = 0.2
FIRST = datetime(1969, 7, 20)  # noqa: DTZ001 - tables have no zones
DAYS, MINUTES_PER_DAY = 40_000, 1440
# Letters that cp1252, cp850 and Mac Roman share; texts that delimiters, quotes and formulas could break.
TEXTS = [
    *(
        "plain",
        "with, comma",
        "with; semicolon",
        "with\ttab",
        "with | bar",
        'with "quotes"',
        '"',
        "two\nlines",
    ),
    *("5% off", "=1+1", "O'Neill", "C:\\new", "#remark", "Straße", "façade", "Éclair", "A1", "-x", "<b>"),
]

Column = list[object]


class RandomTable:
    """Columns of every type in random order, a fifth of their cells missing."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.rows = int(self.random.integers(1, MOST_ROWS))

    def columns(self) -> dict[str, Column]:
        makers: dict[str, Callable[[], object]] = {
            "größe": self._number,
            "count": lambda: int(self.random.integers(-(10**6), 10**6)),
            "text, quoted": lambda: str(self.random.choice(TEXTS)),
            "note": lambda: str(self.random.choice(TEXTS)),
            "flag": lambda: bool(self.random.integers(2)),
            "day": lambda: FIRST + timedelta(days=self._whole(DAYS)),
            "moment": lambda: FIRST + timedelta(days=self._whole(DAYS), minutes=self._whole(MINUTES_PER_DAY)),
        }
        names = self.random.permutation(sorted(makers))
        return {str(name): [self._or_missing(makers[name]) for _ in range(self.rows)] for name in names}

    def _number(self) -> float:
        # Five decimals, so that no cell looks like thousands in groups.
        return (self._whole(10**8) * 10 + 5 - 5 * 10**8) / 10**5

    def _whole(self, limit: int) -> int:
        return int(self.random.integers(limit))

    def _or_missing(self, make: Callable[[], object]) -> object:
        cell = make()
        return None if self.random.random() < MISSING_SHARE else cell


TYPES = {
    "größe": "Float64",
    "count": "Int64",
    "flag": "boolean",
    "day": "datetime64[us]",
    "moment": "datetime64[us]",
}
KINDS = {"größe": "number", "count": "number", "day": "date", "moment": "date"}


def to_frame(columns: dict[str, Column]) -> pd.DataFrame:
    # Texts stay Python's, or pandas would write NaN for None.
    series = {name: pd.Series(cells, dtype=TYPES.get(name, "object")) for name, cells in columns.items()}
    return pd.DataFrame(series)


def expected(cells: Column, words: tuple[str, str]) -> Column:
    return [words[cell] if isinstance(cell, bool) else cell for cell in cells]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_random_table_comes_back_cell_by_cell(writer: Writer, seed: int, tmp_path: Path) -> None:
    columns = RandomTable(seed).columns()
    path = tmp_path / "table"
    path.write_bytes(writer.write(to_frame(columns)))
    table = read_table(path, reading=Reading(**writer.hints))
    # R's row names and pandas' index are left out.
    assert list(table.columns) == list(columns)
    for name, cells in columns.items():
        column = table.columns[name]
        assert column.cells.to_pylist() == expected(cells, writer.words), name
        is_empty = all(cell is None for cell in cells)
        assert column.kind == ("empty" if is_empty else KINDS.get(name, "text")), name
        assert column.decision is None, name
