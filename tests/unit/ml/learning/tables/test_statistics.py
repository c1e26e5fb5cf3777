"""What is told about a table's columns equals what numpy and pandas say."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ml_service.learning.tables import read_csv
from ml_service.learning.tables.statistics import Summary, ValueCount
from ml_service.learning.tables.statistics import Survey, survey

DATA = Path(__file__).parents[5] / "data"
TABLES = ["cars", "diabetes", "penguins", "seattle-weather", "wine"]


def look(content: str, folder: Path) -> Survey:
    path = folder / "table.csv"
    path.write_text(content)
    return survey(read_csv(path))


def column(content: str, folder: Path) -> Summary:
    return look(content, folder).summaries["a"]


@pytest.mark.parametrize("name", TABLES)
def test_figures_of_numbers_are_those_of_numpy(name: str) -> None:
    table, frame = read_csv(DATA / f"{name}.csv"), pd.read_csv(DATA / f"{name}.csv")
    summaries = compute_statistics(table).summaries
    for each in table.columns.values():
        if each.kind != "number":
            continue
        cells, told = frame[each.name].dropna().to_numpy(), summaries[each.name]
        assert told.quantiles is not None
        assert list(told.quantiles.values()) == pytest.approx(np.quantile(cells, [0, 0.25, 0.5, 0.75, 1]))
        assert told.mean == pytest.approx(cells.mean())
        assert told.histogram is not None
        bins = len(told.histogram.counts)
        assert bins <= 20
        assert list(told.histogram.counts) == np.histogram(cells, bins)[0].tolist()


@pytest.mark.parametrize("name", TABLES)
def test_distinct_values_are_those_of_pandas(name: str) -> None:
    frame = pd.read_csv(DATA / f"{name}.csv")
    summaries = survey(read_csv(DATA / f"{name}.csv")).summaries
    assert {each: told.distinct for each, told in summaries.items()} == frame.nunique().to_dict()


def test_texts_are_told_commonest_first(tmp_path: Path) -> None:
    told = column("a,b\nx,1\ny,2\ny,3\n,4\n", tmp_path)
    assert list(told.top_values) == [ValueCount("y", 2), ValueCount("x", 1)]
    assert (told.quantiles, told.mean, told.histogram) == (None, None, None)


def test_at_most_ten_texts_are_told_and_long_ones_cut(tmp_path: Path) -> None:
    told = column("a,b\n" + "".join(f"{'x' * 200}{n},1\n" for n in range(12)), tmp_path)
    assert [len(str(each.value)) for each in told.top_values] == [100] * 10


def test_few_numbers_are_told_with_their_counts(tmp_path: Path) -> None:
    told = column("a,b\n1,1\n2,1\n2,1\n", tmp_path)
    assert list(told.top_values) == [ValueCount(2, 2), ValueCount(1, 1)]


def test_many_numbers_are_not_told_one_by_one(tmp_path: Path) -> None:
    assert column("a,b\n" + "".join(f"{n},1\n" for n in range(101)), tmp_path).top_values == ()


def test_whole_numbers_close_together_have_a_bin_each(tmp_path: Path) -> None:
    told = column("a,b\n3,1\n4,1\n4,1\n8,1\n", tmp_path).histogram
    assert told is not None
    assert told.counts == [1, 2, 0, 0, 0, 1]


def test_one_value_makes_one_bin(tmp_path: Path) -> None:
    told = column("a,b\n7,1\n7,2\n", tmp_path).histogram
    assert told is not None
    assert (told.edges, told.counts) == ([7, 7], [2])


def test_dates_are_told_as_iso_texts(tmp_path: Path) -> None:
    told = column("a,b\n2026-01-01,1\n2026-01-03,2\n2026-01-04,3\n", tmp_path)
    assert told.quantiles is not None
    assert (told.quantiles["min"], told.quantiles["p25"]) == ("2026-01-01", "2026-01-02")
    assert told.histogram is not None
    assert (told.histogram.edges[-1], sum(told.histogram.counts)) == ("2026-01-04", 3)


def test_a_column_without_values_has_no_figures(tmp_path: Path) -> None:
    assert column("a,b\n,1\nNA,2\n", tmp_path) == Summary(distinct=0)


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
def test_rows_like_earlier_ones_are_counted(rows: list[str], repeats: int, tmp_path: Path) -> None:
    assert look("a,b\n" + "\n".join(rows) + "\n", tmp_path).duplicate_rows == repeats


def test_repeated_rows_are_those_of_pandas(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.integers(0, 9, 500), "b": random.choice(["x", "y", None], 500)})
    frame["c"] = random.choice([0.5, 1.5, np.nan], 500)
    assert look(frame.to_csv(index=False), tmp_path).duplicate_rows == frame.duplicated().sum()
