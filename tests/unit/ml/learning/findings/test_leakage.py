"""Leakage: columns that determine the label alone, in pairs or all together."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.support.tables import DATA

from ml_service.learning.findings.associations import label_of, measure_association
from ml_service.learning.findings.leakage import find_leakage
from ml_service.learning.tables import Column, Table, read_csv

Numbers = np.ndarray
ROWS = 600


def read(frame: pd.DataFrame, folder: Path) -> Table:
    path = folder / "table.csv"
    frame.to_csv(path, index=False)
    return read_csv(path)


def make_table(folder: Path, **columns: object) -> Table:
    random = np.random.default_rng(3)
    frame = pd.DataFrame({"noise": random.normal(size=ROWS), **columns})
    return read(frame, folder)


def leaks(table: Table, label: str, is_classes: bool) -> list[tuple[str | None, str]]:
    return [(finding.column, finding.severity) for finding in find_leakage(table, label, is_classes)]


def codes(table: Table, is_classes: bool) -> list[str]:
    return [finding.code for finding in find_leakage(table, "label", is_classes)]


def classes() -> np.ndarray:
    return np.random.default_rng(5).choice(["a", "b", "c"], ROWS)


def test_copy_of_the_classes_is_leakage(tmp_path: Path) -> None:
    label = classes()
    table = make_table(tmp_path, copy=np.char.add("is ", label), label=label)
    assert leaks(table, "label", True) == [("copy", "serious")]


def test_codes_of_the_classes_are_leakage(tmp_path: Path) -> None:
    label = classes()
    code = pd.Series(label).map({"a": 17, "b": 3, "c": 9})
    assert leaks(make_table(tmp_path, code=code, label=label), "label", True) == [("code", "serious")]


def test_missing_cells_can_be_leakage(tmp_path: Path) -> None:
    label = np.where(np.arange(ROWS) % 3 == 0, "ill", "well")
    cured = np.where(label == "ill", np.random.default_rng(1).normal(size=ROWS), np.nan)
    assert leaks(make_table(tmp_path, cured=cured, label=label), "label", True) == [("cured", "serious")]


def test_partly_equal_column_is_not_leakage(tmp_path: Path) -> None:
    label = classes()
    mostly = np.where(np.arange(ROWS) % 10 == 0, "a", label)
    assert leaks(make_table(tmp_path, mostly=mostly, label=label), "label", True) == []


def test_column_without_a_value_in_labelled_rows_is_no_leakage(tmp_path: Path) -> None:
    label = np.where(np.arange(ROWS) % 2 == 0, np.random.default_rng(1).normal(size=ROWS), np.nan)
    later = np.where(np.arange(ROWS) % 2 == 0, np.nan, -1.5)
    assert leaks(make_table(tmp_path, later=later, label=label), "label", False) == []


def test_identifier_has_no_association_with_the_label(tmp_path: Path) -> None:
    names = [f"name {n}" for n in range(ROWS)]
    assert leaks(make_table(tmp_path, name=names, label=classes()), "label", True) == []


@pytest.mark.parametrize("relation", [lambda y: 3 * y + 2, lambda y: -(y**3)])
def test_function_of_a_numeric_label_is_leakage(relation: object, tmp_path: Path) -> None:
    label = np.random.default_rng(2).normal(size=ROWS)
    assert callable(relation)
    table = make_table(tmp_path, other=relation(label), label=label)
    assert [column for column, _ in leaks(table, "label", False)] == ["other"]


@pytest.mark.parametrize(
    ("name", "label", "is_classes"),
    [
        ("penguins", "species", True),
        ("penguins", "body_mass_g", False),
        ("cars", "Miles_per_Gallon", False),
        ("seattle-weather", "weather", True),
        ("wine", "target", True),
        ("diabetes", "target", False),
    ],
)
def test_example_tables_have_no_leakage(name: str, label: str, is_classes: bool) -> None:
    assert leaks(read_csv(DATA / f"{name}.csv"), label, is_classes) == []


@pytest.mark.parametrize("rows", [80, 189, 20_000])
def test_cut_in_any_number_of_rows_is_leakage(rows: int, tmp_path: Path) -> None:
    weight = np.random.default_rng(9).normal(2900, 700, rows)
    frame = pd.DataFrame(
        {"weight": weight, "age": np.arange(rows) % 30, "label": (weight < 2500).astype(int)}
    )
    [finding] = find_leakage(read(frame, tmp_path), "label", True)
    assert (finding.code, finding.column) == ("leakage", "weight")
    assert "avoids" in finding.detail


def two_columns() -> tuple[Numbers, Numbers]:
    random = np.random.default_rng(11)
    return random.uniform(1, 9, ROWS), random.uniform(1, 9, ROWS)


@pytest.mark.parametrize(
    "relation",
    [
        lambda a, b: (a + b) / 2,
        lambda a, b: 3 * a - b + 7,
        lambda a, b: a * b,
        lambda a, b: a / b**2,
    ],
    ids=["mean", "difference", "product", "ratio"],
)
def test_number_computed_from_two_columns_is_leakage(
    relation: Callable[[Numbers, Numbers], Numbers], tmp_path: Path
) -> None:
    a, b = two_columns()
    other = a + np.random.default_rng(3).normal(size=ROWS)
    table = make_table(tmp_path, a=a, b=b, other=other, label=relation(a, b))
    [finding] = find_leakage(table, "label", False)
    assert (finding.code, finding.severity) == ("leakage_pair", "serious")
    assert "'a'" in finding.detail
    assert "'b'" in finding.detail
    assert "explains 100% of the variance of 'label'" in finding.detail


def test_small_difference_of_large_columns_is_leakage(tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    revenue = random.lognormal(10, 1, ROWS)
    profit = random.normal(100, 50, ROWS)
    others = {f"c{n}": random.normal(size=ROWS) + profit / 60 for n in range(10)}
    table = make_table(tmp_path, **others, revenue=revenue, costs=revenue - profit, label=profit)
    assert codes(table, False) == ["leakage_pair"]


@pytest.mark.parametrize(
    "relation",
    [
        lambda a, b: np.where(a > b, "home", "away"),
        lambda a, b: np.select([a - b > 1, b - a > 1], ["home", "away"], "draw"),
        lambda a, b: np.where((a > 5) ^ (b > 5), "odd", "even"),
    ],
    ids=["comparison", "bands", "exclusive or"],
)
def test_classes_computed_from_two_columns_are_leakage(
    relation: Callable[[Numbers, Numbers], Numbers], tmp_path: Path
) -> None:
    a, b = (np.floor(column) for column in two_columns())
    table = make_table(tmp_path, a=a, b=b, label=relation(a, b))
    assert codes(table, True) == ["leakage_pair"]


def test_combination_of_two_categories_is_leakage(tmp_path: Path) -> None:
    random = np.random.default_rng(13)
    plan, region = random.choice(["x", "y", "z"], (2, ROWS))
    table = make_table(tmp_path, plan=plan, region=region, label=np.char.add(plan, region))
    assert codes(table, True) == ["leakage_pair"]


def test_pair_adds_nothing_to_a_column_that_leaks_alone(tmp_path: Path) -> None:
    a, b = two_columns()
    assert codes(make_table(tmp_path, a=a, b=b, label=a + b / 50), False) == ["leakage"]


def test_share_left_by_many_columns_is_too_good(tmp_path: Path) -> None:
    shares = np.random.default_rng(14).dirichlet(np.ones(6), ROWS).T
    columns = {f"party{n}": share for n, share in enumerate(shares[:-1])}
    [finding] = find_leakage(make_table(tmp_path, **columns, label=shares[-1]), "label", False)
    assert (finding.code, finding.severity, finding.column) == ("too_good", "warning", None)


@pytest.mark.parametrize("is_classes", [True, False])
def test_strong_honest_features_are_no_leakage(is_classes: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(15)
    a, b, c = random.normal(size=(3, ROWS))
    score = 2 * a + b - c + random.normal(size=ROWS) / 2
    label = np.where(score > 0, "yes", "no") if is_classes else score
    assert codes(make_table(tmp_path, a=a, b=b, c=c, label=label), is_classes) == []


def test_few_rows_of_a_rare_class_have_no_pair_by_chance(tmp_path: Path) -> None:
    random = np.random.default_rng(16)
    columns = {f"c{n}": random.integers(0, 3, 60) for n in range(40)}
    label = np.where(np.arange(60) < 4, "rare", "common")
    found = find_leakage(read(pd.DataFrame({**columns, "label": label}), tmp_path), "label", True)
    assert [finding.code for finding in found if finding.code == "leakage_pair"] == []


def test_advice_about_a_trend_is_a_test_on_the_latest_rows(tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d")
    trend = np.random.default_rng(17).normal(size=ROWS).cumsum() + np.arange(ROWS)
    [finding] = find_leakage(make_table(tmp_path, day=days, label=trend), "label", False)
    assert (finding.column, finding.severity) == ("day", "warning")
    assert "latest rows" in finding.advice


@pytest.mark.slow
@pytest.mark.parametrize("classes", [None, 100])
def test_widest_table_takes_seconds(classes: int | None) -> None:
    random, rows, width = np.random.default_rng(18), 100_000, 2000
    cells = pa.chunked_array([random.normal(size=rows)])
    columns = {f"c{n}": Column(f"c{n}", "number", 0, False, cells) for n in range(width - 1)}
    label = random.normal(size=rows) if classes is None else random.integers(0, classes, rows)
    columns["label"] = Column("label", "number", 0, classes is not None, pa.chunked_array([label]))
    begin = time.process_time()
    assert find_leakage(Table(tuple(columns), columns, rows, None), "label", classes is not None) == []
    assert time.process_time() - begin < 20


def test_noise_lowers_the_association_of_a_copy(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    label = random.normal(size=20_000)
    table = read(pd.DataFrame({"noisy": label + random.normal(size=20_000), "label": label}), tmp_path)
    strength = measure_association(table.columns["noisy"], label_of(table.columns["label"], False))
    assert strength == pytest.approx(0.5, abs=0.03)


def test_association_is_the_share_of_avoided_errors(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(4)
    label = random.choice(["a", "b"], 20_000)
    noisy = np.where(random.random(20_000) < 0.05, np.where(label == "a", "b", "a"), label)
    table = read(pd.DataFrame({"noisy": noisy, "label": label}), tmp_path)
    strength = measure_association(table.columns["noisy"], label_of(table.columns["label"], True))
    assert strength == pytest.approx(0.9, abs=0.02)
