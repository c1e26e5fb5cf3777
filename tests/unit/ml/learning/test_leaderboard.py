"""The leaderboard of a comparison: ranking, choice, rivals, and the time left."""

from typing import Any

import pytest

from ml_service.learning.leaderboard import (
    Entry,
    choose,
    count_finished,
    explain_choice,
    leaderboard,
    ranked,
    rivals,
    seconds_left,
)
from ml_service.learning.model_types import candidate_name

FAILED = Entry("linear").failed("out_of_memory", "It needed too much.")


def finished(
    score: float, spread: float = 0.1, name: str = "knn", seconds: float = 0.1, **members: Any
) -> Entry:  # Any: members of an entry
    figures = {
        "metric": "r2_score",
        "score": score,
        "spread": spread,
        "standard_error": 0.02,
        "fit_seconds": seconds,
        "predict_seconds": 0.0,
    }
    return Entry(name, members.pop("params", {})).finished({**figures, **members})


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


def test_best_score_is_chosen_if_none_is_close() -> None:
    assert choose([finished(0.9), finished(0.95, name="random_forest"), finished(0.5, name="linear")]) == 1


def test_simpler_candidate_within_one_standard_error_is_chosen() -> None:
    forest, linear = finished(0.95, name="random_forest"), finished(0.94, name="linear")
    assert choose([forest, linear]) == 1
    assert choose([forest, finished(0.92, name="linear")]) == 0


def test_standard_error_is_that_of_the_best_candidate() -> None:
    unsure = finished(0.90, name="linear", standard_error=0.3)
    assert choose([finished(0.95, name="random_forest"), unsure]) == 0


def test_faster_candidate_within_one_standard_error_is_chosen() -> None:
    forest = finished(0.9807, name="random_forest", seconds=53.0)
    boosting = finished(0.9806, name="gradient_boosting", seconds=1.6)
    assert choose([forest, boosting]) == 1


def test_better_of_equally_fast_candidates_is_chosen() -> None:
    slower, faster = finished(0.95, seconds=19.0), finished(0.94, name="gradient_boosting", seconds=10.0)
    assert choose([faster, slower]) == 1
    in_no_time = finished(0.94, name="gradient_boosting", seconds=0.001)
    assert choose([in_no_time, finished(0.95, seconds=0.9)]) == 1


def test_simplicity_comes_before_speed() -> None:
    slow_but_simple = finished(0.94, name="logistic", seconds=40.0)
    assert choose([finished(0.95, name="knn", seconds=0.1), slow_but_simple]) == 1


def test_nothing_is_chosen_if_nothing_has_finished() -> None:
    assert choose([FAILED, Entry("knn")]) is None


def test_entries_of_an_older_version_have_no_standard_error() -> None:
    old = finished(0.9, name="linear", standard_error=None)
    assert choose([old, finished(0.95, name="random_forest", standard_error=None)]) == 1


def test_chosen_entry_leads_the_leaderboard() -> None:
    entries = [finished(0.95, name="random_forest"), finished(0.94, name="linear"), finished(0.945)]
    board = leaderboard(entries, 1)
    assert [(each["type"], each["chosen"]) for each in board] == [
        ("linear", True),
        ("random_forest", False),
        ("knn", False),
    ]


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "Random forest (defaults)"),
        (
            {"n_estimators": 200, "min_samples_leaf": 3},
            "Random forest (n_estimators 200, min_samples_leaf 3)",
        ),
    ],
)
def test_name_has_the_parameters(params: dict[str, object], name: str) -> None:
    assert candidate_name("random_forest", params) == name


FOREST = finished(0.8, name="random_forest")
TUNED = finished(0.84, name="random_forest", params={"n_estimators": 200})


def test_rivals_are_the_best_other_and_the_default() -> None:
    assert rivals([finished(0.85, name="linear"), FOREST, TUNED], 0) == [2, 1]


def test_default_that_is_the_best_other_is_one_rival() -> None:
    assert rivals([finished(0.85, name="linear"), FOREST, finished(0.1)], 0) == [1]


def test_default_that_is_chosen_has_the_best_other_as_its_rival() -> None:
    assert rivals([FOREST, finished(0.7), FAILED], 0) == [1]
    assert rivals([FOREST, FAILED], 0) == []


def test_choice_below_the_best_score_is_explained() -> None:
    entries = [finished(0.95, name="random_forest"), finished(0.94, name="linear")]
    assert explain_choice(entries, 1, {}, {}) == (
        "Random forest (defaults) has a higher score in cross-validation, 0.950 against 0.940, but by less "
        "than one standard error (0.020); the chosen model is simpler or faster."
    )
    assert explain_choice(entries, 0, {}, {}) == ""


def test_rival_that_is_better_on_the_test_part_is_named_with_its_figures() -> None:
    own = {"accuracy": 0.7652, "balanced_accuracy": 0.7427, "roc_auc": 0.7784, "log_loss": 0.5}
    forest = {"accuracy": 0.8068, "balanced_accuracy": 0.7427, "roc_auc": 0.8099, "log_loss": 0.9}
    assert explain_choice([finished(0.9), FOREST], 0, own, {1: forest}) == (
        "On the test part, Random forest (defaults) is better: accuracy 0.807 against 0.765, roc auc 0.810 "
        "against 0.778. Train it alone to use it instead."
    )


def test_rivals_that_are_no_better_are_named() -> None:
    entries = [finished(0.9, name="linear"), finished(0.85), FOREST]
    measured = {1: {"r2_score": 0.5}, 2: {"r2_score": 0.70001}}
    assert explain_choice(entries, 0, {"r2_score": 0.7}, measured) == (
        "On the test part, Nearest neighbours (defaults) and Random forest (defaults) are no better."
    )


def test_rival_that_was_not_measured_is_named() -> None:
    assert explain_choice([finished(0.9), FOREST], 0, {}, {1: None}) == (
        "Random forest (defaults) was not compared on the test part, for want of time or because it failed."
    )


def test_time_left_is_unknown_before_the_first_candidate() -> None:
    assert seconds_left([Entry("knn"), Entry("linear")], {0: 3.0}, [1]) is None


def test_time_left_follows_finished_candidates_of_the_type_or_of_all() -> None:
    entries = [
        finished(0.9, name="random_forest", seconds=10.0),
        finished(0.8, name="knn", seconds=0.0),
        Entry("random_forest", {"n_estimators": 200}),
        Entry("linear"),
    ]
    final = 1.5 * 10
    assert seconds_left(entries, {}, []) == pytest.approx(final)
    assert seconds_left(entries, {}, [2]) == pytest.approx(50.5 + final)
    assert seconds_left(entries, {2: 20.5}, []) == pytest.approx(30.0 + final)
    assert seconds_left(entries, {2: 20.5}, [3]) == pytest.approx(30.0 + (50.5 + 0.5) / 2 + final)


def test_candidate_that_takes_longer_than_expected_is_half_done() -> None:
    entries = [finished(0.9, seconds=0.0), Entry("knn", {"n_neighbors": 15})]
    assert seconds_left(entries, {1: 80.0}, []) == pytest.approx(40.0)


def test_two_workers_share_the_time_left() -> None:
    entries = [finished(0.9, seconds=10.0), *[Entry("knn")] * 4]
    assert seconds_left(entries, {1: 0.0, 2: 0.0}, [3, 4]) == pytest.approx(4 * 50.5 / 2 + 15)
