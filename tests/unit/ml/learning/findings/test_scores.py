"""Test scores that are too good to be true."""

import pytest

from ml_service.learning.findings.leakage import Score, find_too_good


def severities(score: Score) -> list[str]:
    return [finding.severity for finding in find_too_good(score, "bwt")]


@pytest.mark.parametrize(
    ("accuracy", "baseline", "rows", "expected"),
    [
        (1.0, 0.57, 151, ["serious"]),
        (1.0, 0.684, 38, ["info"]),
        (0.9975, 0.724, 1575, ["warning"]),
        (0.9855, 0.435, 69, []),
        (0.9999, 0.995, 50_000, []),
        (1.0, 1.0, 50, []),
        (None, None, 50, []),
    ],
)
def test_accuracy_is_too_good_if_it_avoids_almost_all_wrong_guesses(
    accuracy: float | None, baseline: float | None, rows: int, expected: list[str]
) -> None:
    assert severities(Score("low", True, accuracy, baseline, rows)) == expected


@pytest.mark.parametrize(
    ("r2", "rows", "expected"),
    [
        (1.0, 84, ["serious"]),
        (0.9965, 88, ["warning"]),
        (0.9999, 13, ["info"]),
        (0.984, 13, []),
        (-0.3, 84, []),
        (None, 84, []),
    ],
)
def test_r2_near_1_is_too_good(r2: float | None, rows: int, expected: list[str]) -> None:
    assert severities(Score("testscr", False, r2, -0.01, rows)) == expected


def test_detail_counts_the_rows_and_advice_names_the_most_important_feature() -> None:
    [finding] = find_too_good(Score("low", True, 1.0, 0.6, 200), "bwt")
    assert finding.detail == "All 200 test rows are predicted right: too good to be true."
    assert "computed from 'low' or known only after it, above all 'bwt'" in finding.advice


def test_detail_of_almost_all_rows_is_not_rounded_to_all() -> None:
    [finding] = find_too_good(Score("y", True, 0.99995, 0.5, 20_000), "x")
    assert finding.detail.startswith("99.995% of 20000 test rows")
