"""Boards: the submission that counts, ranks with ties, final ranks, and efficiency."""

from datetime import UTC, datetime, timedelta

import pytest

from ml_service.boards.rules import Entry, by_efficiency, final_board, public_board, with_efficiency
from ml_service.challenges.rules import (
    ChallengeState,
    Moments,
    commit_to,
    day_of,
    end_of_day,
    state_at,
)
from ml_service.learning.challenges.metric_rules import round_to_error, skill

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(user: int, public: float, minute: int = 0, **members: object) -> Entry:
    values: dict[str, object] = {"error": 0.01, "best": True, "selected": False, "submissions": 1}
    at = NOON + timedelta(minutes=minute)
    return Entry(user, 10 * user + minute, at, public, **values | members)  # pyright: ignore[reportArgumentType] - as given


def test_equal_shown_scores_share_a_rank_and_the_earlier_is_first() -> None:
    board = public_board([entry(1, 0.7), entry(2, 0.801, 5), entry(3, 0.799, 1), entry(4, 0.9)], "accuracy")
    assert [(line.entry.user_id, line.rank) for line in board] == [(4, 1), (3, 2), (2, 2), (1, 4)]


def test_lower_scores_lead_where_lower_is_better() -> None:
    board = public_board([entry(1, 0.7), entry(2, 0.5)], "log_loss")
    assert [line.entry.user_id for line in board] == [2, 1]


def test_better_private_score_of_the_selected_counts() -> None:
    entries = [
        entry(1, 0.9, private=0.5),
        entry(1, 0.8, 1, best=False, selected=True, private=0.6),
        entry(1, 0.7, 2, best=False, selected=True, private=0.7),
        entry(2, 0.85, private=0.65),
    ]
    board = final_board(entries, "accuracy")
    assert [(line.entry.user_id, line.score, line.rank, line.public_rank) for line in board] == [
        (1, 0.7, 1, 1),
        (2, 0.65, 2, 2),
    ]


def test_best_public_submission_counts_without_a_selection() -> None:
    board = final_board([entry(1, 0.9, private=0.5), entry(2, 0.8, private=0.6)], "accuracy")
    assert [(line.entry.user_id, line.rank, line.public_rank) for line in board] == [(2, 1, 2), (1, 2, 1)]


def test_efficiency_is_skill_per_token_among_the_skilled() -> None:
    lines = public_board([entry(1, 0.9), entry(2, 0.88), entry(3, 0.6), entry(4, 0.9)], "accuracy")
    board = with_efficiency(lines, "accuracy", 0.5, {1: 8, 2: 2, 3: 1})
    found = {line.entry.user_id: line.efficiency for line in board}
    assert found == {1: pytest.approx(0.1), 2: pytest.approx(0.38), 3: None, 4: None}
    assert [line.entry.user_id for line in by_efficiency(board)] == [2, 1]


def test_efficiency_is_unknown_without_tokens() -> None:
    lines = public_board([entry(1, 0.9)], "accuracy")
    assert with_efficiency(lines, "accuracy", 0.5, None)[0].tokens is None


@pytest.mark.parametrize(
    ("score", "error", "shown"),
    [(0.8765, 0.03, 0.88), (0.8765, 0.2, 0.9), (12.34, 2, 12), (0.87654, None, 0.8765)],
)
def test_score_is_rounded_to_its_error(score: float, error: float | None, shown: float) -> None:
    assert round_to_error(score, error) == shown


def test_skill_is_the_way_from_the_baseline_to_a_perfect_score() -> None:
    assert skill("accuracy", 0.75, 0.5) == 0.5
    assert skill("mean_absolute_error", 1.0, 4.0) == 0.75


def test_state_follows_from_the_clock() -> None:
    moments = Moments(NOON, NOON + timedelta(hours=1), NOON, None)
    times = [NOON - timedelta(seconds=1), NOON, NOON + timedelta(minutes=59), NOON + timedelta(hours=1)]
    assert [state_at(moments, each) for each in times] == ["upcoming", "open", "open", "closed"]
    assert state_at(Moments(NOON, NOON, None, None), NOON) is ChallengeState.DRAFT
    assert state_at(Moments(NOON, NOON, NOON, NOON), NOON) is ChallengeState.FINAL


def test_day_is_that_of_the_time_zone() -> None:
    late = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert (day_of(late, "UTC"), day_of(late, "Europe/Berlin")) == ("2026-03-28", "2026-03-29")
    # The clocks go forward on this day, so it has 23 hours.
    assert end_of_day(late, "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_commitment_depends_on_salt_and_both_parts() -> None:
    first = commit_to(b"s", b"a", b"b")
    assert len({first, commit_to(b"t", b"a", b"b"), commit_to(b"s", b"b", b"a")}) == 3
