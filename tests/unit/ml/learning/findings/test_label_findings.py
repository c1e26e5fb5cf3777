"""Findings about labels: leakage, strength of associations, imbalanced and rare classes."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.tables import DATA

from ml_service.learning.findings.associations import label_of, measure_association
from ml_service.learning.findings.labels import find_in_classes, find_leakage, find_task, task_note
from ml_service.learning.tables import ColumnProfile, Table, read_csv

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


@pytest.mark.parametrize(
    ("values", "is_classes", "advice"),
    [
        (12, True, "If they are amounts, set the task to regression."),
        (12, False, "If they are codes of classes, set the task to classification."),
        (2, False, "If they are codes of classes, set the task to classification."),
    ],
)
def test_whole_numbers_may_be_learnt_otherwise(values: int, is_classes: bool, advice: str) -> None:
    label = ColumnProfile("month", "number", 0, True, (10,) * values)
    [finding] = find_task(label, is_classes)
    assert (finding.code, finding.severity, finding.advice) == ("task", "info", advice)
    assert task_note([asdict(finding)]) == f"{finding.detail} {advice}"


@pytest.mark.parametrize(
    "label",
    [
        ColumnProfile("month", "text", 0, False, (10,) * 12),
        ColumnProfile("month", "number", 0, False, (10,) * 12),
        ColumnProfile("month", "number", 0, True, None),
        ColumnProfile("month", "number", 0, True, (50, 50)),
    ],
    ids=["text", "fractions", "many", "two"],
)
def test_label_with_one_sensible_task_has_no_finding_about_it(label: ColumnProfile) -> None:
    assert list(find_task(label, True)) == []
    assert task_note([]) is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([50, 60], []),
        ([20, 199], []),
        ([20, 200], [("imbalanced", "warning")]),
        ([10, 1000], [("imbalanced", "serious")]),
        ([9, 60], [("too_few_rows", "warning")]),
        ([1, 5, 9], [("too_few_rows", "serious")]),
    ],
)
def test_imbalanced_and_rare_classes_are_findings(counts: list[int], expected: list[tuple[str, str]]) -> None:
    findings = find_in_classes("y", counts)
    assert [(finding.code, finding.severity) for finding in findings] == expected
