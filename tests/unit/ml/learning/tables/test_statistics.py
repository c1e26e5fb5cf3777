"""Statistics of columns, compared with numpy and pandas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.tables import DATA

from ml_service.learning.tables import read_csv
from ml_service.learning.tables.statistics import (
    ColumnStatistics,
    TableStatistics,
    ValueCount,
    compute_statistics,
)

TABLES = ["cars", "diabetes", "penguins", "seattle-weather", "wine"]


def statistics_of(content: str, folder: Path) -> TableStatistics:
    path = folder / "table.csv"
    path.write_text(content)
    return compute_statistics(read_csv(path))


def column(content: str, folder: Path) -> ColumnStatistics:
    return statistics_of(content, folder).columns["a"]


@pytest.mark.parametrize("name", TABLES)
def test_number_statistics_equal_numpys(name: str) -> None:
    table, frame = read_csv(DATA / f"{name}.csv"), pd.read_csv(DATA / f"{name}.csv")
    columns = compute_statistics(table).columns
    for numbers in table.columns.values():
        if numbers.kind != "number":
            continue
        cells, found = frame[numbers.name].dropna().to_numpy(), columns[numbers.name]
        assert found.quantiles is not None
        assert list(found.quantiles.values()) == pytest.approx(np.quantile(cells, [0, 0.25, 0.5, 0.75, 1]))
        assert found.mean == pytest.approx(cells.mean())
        assert found.histogram is not None
        bins = len(found.histogram.counts)
        assert bins <= 20
        assert list(found.histogram.counts) == np.histogram(cells, bins)[0].tolist()


@pytest.mark.parametrize("name", TABLES)
def test_distinct_counts_equal_pandas(name: str) -> None:
    frame = pd.read_csv(DATA / f"{name}.csv")
    columns = compute_statistics(read_csv(DATA / f"{name}.csv")).columns
    assert {name: statistics.distinct for name, statistics in columns.items()} == frame.nunique().to_dict()


def test_top_texts_are_ordered_by_count(tmp_path: Path) -> None:
    found = column("a,b\nx,1\ny,2\ny,3\n,4\n", tmp_path)
    assert list(found.top_values) == [ValueCount("y", 2), ValueCount("x", 1)]
    assert (found.quantiles, found.mean, found.histogram) == (None, None, None)


def test_at_most_ten_top_texts_are_listed_and_long_ones_truncated(tmp_path: Path) -> None:
    found = column("a,b\n" + "".join(f"{'x' * 200}{n},1\n" for n in range(12)), tmp_path)
    assert [len(str(top.value)) for top in found.top_values] == [100] * 10


def test_few_distinct_numbers_are_listed_with_their_counts(tmp_path: Path) -> None:
    found = column("a,b\n1,1\n2,1\n2,1\n", tmp_path)
    assert list(found.top_values) == [ValueCount(2, 2), ValueCount(1, 1)]


def test_many_distinct_numbers_are_not_listed(tmp_path: Path) -> None:
    assert column("a,b\n" + "".join(f"{n},1\n" for n in range(101)), tmp_path).top_values == ()


def test_close_integers_have_a_bin_each(tmp_path: Path) -> None:
    found = column("a,b\n3,1\n4,1\n4,1\n8,1\n", tmp_path).histogram
    assert found is not None
    assert found.counts == [1, 2, 0, 0, 0, 1]


def test_single_value_has_one_bin(tmp_path: Path) -> None:
    found = column("a,b\n7,1\n7,2\n", tmp_path).histogram
    assert found is not None
    assert (found.edges, found.counts) == ([7, 7], [2])


def test_date_statistics_are_iso_texts(tmp_path: Path) -> None:
    found = column("a,b\n2026-01-01,1\n2026-01-03,2\n2026-01-04,3\n", tmp_path)
    assert found.quantiles is not None
    assert (found.quantiles["min"], found.quantiles["p25"]) == ("2026-01-01", "2026-01-02")
    assert found.histogram is not None
    assert (found.histogram.edges[-1], sum(found.histogram.counts)) == ("2026-01-04", 3)


def test_empty_column_has_no_statistics(tmp_path: Path) -> None:
    assert column("a,b\n,1\nNA,2\n", tmp_path) == ColumnStatistics(distinct=0)


@pytest.mark.parametrize(
    ("rows", "repeats"),
    [
        (["1,x", "2,x", "1,x", "1,x"], 2),
        (["1,x", "x,1"], 0),
        (["1,x", ",x", "0,x", ",x"], 1),
        (["0.0,1", "-0.0,1"], 1),
        (["1,2026-01-01", "1,2026-01-01", "1,"], 1),
        ([",", "NA,null"], 1),
    ],
)
def test_duplicate_rows_are_counted(rows: list[str], repeats: int, tmp_path: Path) -> None:
    assert statistics_of("a,b\n" + "\n".join(rows) + "\n", tmp_path).duplicate_rows == repeats


def test_duplicate_rows_equal_pandas(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.integers(0, 9, 500), "b": random.choice(["x", "y", None], 500)})
    frame["c"] = random.choice([0.5, 1.5, np.nan], 500)
    assert statistics_of(frame.to_csv(index=False), tmp_path).duplicate_rows == frame.duplicated().sum()
