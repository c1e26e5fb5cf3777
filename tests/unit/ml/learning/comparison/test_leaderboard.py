"""The order of a leaderboard."""

from ml_service.learning.comparison.leaderboard import Entry, count_finished, leaderboard, ranked


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


def test_highest_score_is_first() -> None:
    assert ranked([finished(0.5), finished(0.9), finished(-2.0)]) == [1, 0, 2]


def test_equal_scores_are_ordered_by_spread() -> None:
    assert ranked([finished(0.9, 0.2), finished(0.9, 0.1)]) == [1, 0]


def test_equal_entries_keep_their_order() -> None:
    assert ranked([finished(0.9), finished(0.9)]) == [0, 1]


def test_only_finished_entries_are_ranked() -> None:
    assert ranked([FAILED, Entry("knn"), finished(0.1)]) == [2]


def test_leaderboard_ends_with_unfinished_entries() -> None:
    board = leaderboard([FAILED, Entry("forest"), finished(0.1), finished(0.2)])
    assert [(each["state"], each["score"]) for each in board] == [
        ("finished", 0.2),
        ("finished", 0.1),
        ("failed", None),
        ("not_tried", None),
    ]
    assert board[2]["error"] == {"code": "out_of_memory", "detail": "It needed too much."}


def test_entry_round_trips_through_json() -> None:
    assert Entry(**finished(0.3).to_json()) == finished(0.3)


def test_finished_entries_are_counted() -> None:
    assert count_finished([FAILED, finished(0.1), finished(0.2), Entry("knn")]) == 2
