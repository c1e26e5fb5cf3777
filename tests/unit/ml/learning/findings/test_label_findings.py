"""Findings about labels: the task, imbalanced and rare classes."""

from dataclasses import asdict

import pytest

from ml_service.learning.findings.labels import find_in_classes, find_task, task_note
from ml_service.learning.tables import ColumnProfile


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
