"""Who leads, what is due, and what a budget pays for."""

import pytest

from ml_service.learning.comparison.leaderboard import (
    Entry,
    affordable,
    count_finished,
    leaderboard,
    ranked,
    tokens_due,
)


def finished(score: float, spread: float = 0.1, name: str = "knn") -> Entry:
    figures = {
        "metric": "r2_score",
        "score": score,
        "spread": spread,
        "fit_seconds": 1.0,
        "predict_seconds": 0.1,
    }
    return Entry(name).finished(figures)


FAILED = Entry("linear").failed("out_of_memory", "It needed too much.")


def test_the_highest_score_leads() -> None:
    assert ranked([finished(0.5), finished(0.9), finished(-2.0)]) == [1, 0, 2]


def test_of_equal_scores_the_steadier_leads() -> None:
    assert ranked([finished(0.9, 0.2), finished(0.9, 0.1)]) == [1, 0]


def test_of_equals_the_plainer_leads() -> None:
    assert ranked([finished(0.9), finished(0.9)]) == [0, 1]


def test_only_what_finished_is_ranked() -> None:
    assert ranked([FAILED, Entry("knn"), finished(0.1)]) == [2]


def test_the_leaderboard_ends_with_what_did_not_finish() -> None:
    board = leaderboard([FAILED, Entry("forest"), finished(0.1), finished(0.2)])
    assert [(each["state"], each["score"]) for each in board] == [
        ("finished", 0.2),
        ("finished", 0.1),
        ("failed", None),
        ("not_tried", None),
    ]
    assert board[2]["error"] == {"code": "out_of_memory", "detail": "It needed too much."}


def test_an_entry_survives_its_journey_as_json() -> None:
    assert Entry(**finished(0.3).to_json()) == finished(0.3)


def test_who_finished_is_counted() -> None:
    assert count_finished([FAILED, finished(0.1), finished(0.2), Entry("knn")]) == 2


@pytest.mark.parametrize(
    ("held", "candidates", "done", "due"),
    [(8, 8, 3, 3), (8, 8, 8, 8), (24, 8, 1, 3), (1, 8, 7, 0), (0, 8, 8, 0)],
)
def test_only_what_finished_is_due(held: int, candidates: int, done: int, due: int) -> None:
    assert prorate(held, candidates, done) == due


@pytest.mark.parametrize(
    ("tokens", "per_units", "budget", "candidates"),
    [(1, 1, 5, 5), (1, 1, 50, 8), (3, 1, 5, 1), (3, 1, 2, 0), (5, 4, 9, 4), (0, 1, 1, 8)],
)
def test_a_budget_pays_for_so_many(tokens: int, per_units: int, budget: int, candidates: int) -> None:
    assert affordable(8, tokens, per_units, budget) == candidates
