"""What becomes of an attempt."""

import pytest

from ml_service.jobs.rules import JobKind
from ml_service.work.rules import MOST_ATTEMPTS, Failure, GiveUp, Retry, decide, retry_or_give_up


def test_each_wait_is_longer_but_not_endless() -> None:
    pauses = [retry_or_give_up(JobKind.TRAIN, attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert pauses == [Retry(1.0), Retry(2.0), Retry(4.0), Retry(8.0)]


def test_a_job_that_is_interrupted_again_and_again_is_given_up() -> None:
    decision = retry_or_give_up(JobKind.TRAIN, MOST_ATTEMPTS)
    assert isinstance(decision, GiveUp)
    assert decision.code == "training_interrupted"


def test_what_the_training_refused_is_told_in_its_own_words() -> None:
    failure = Failure("refused", "missing_labels", "3 rows have no label.", {"count": 3})
    assert decide(failure, JobKind.TRAIN, 1, 600) == GiveUp(
        "missing_labels", "3 rows have no label.", {"count": 3}
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [("crashed", "training_crashed"), ("time_limit", "time_limit")],
)
def test_what_would_fail_again_is_given_up_at_once(kind: str, code: str) -> None:
    decision = decide(Failure(kind), JobKind.TRAIN, 1, 90)  # pyright: ignore[reportArgumentType] - one of the kinds
    assert isinstance(decision, GiveUp)
    assert decision.code == code


def test_a_worker_may_die_for_another_reason_than_memory() -> None:
    decisions = [decide(Failure("worker_died"), JobKind.TRAIN, attempts, 600) for attempts in (1, 2)]
    assert decisions == [Retry(1.0), Retry(2.0)]


def test_a_third_dead_worker_was_too_small() -> None:
    decision = decide(Failure("worker_died"), JobKind.TRAIN, 3, 600)
    assert isinstance(decision, GiveUp)
    assert decision.code == "out_of_memory"


def test_a_time_limit_says_how_long_it_was() -> None:
    decision = decide(Failure("time_limit"), JobKind.TRAIN, 1, 90)
    assert isinstance(decision, GiveUp)
    assert "90 seconds" in decision.detail


def test_a_batch_is_not_called_a_training() -> None:
    decision = decide(Failure("crashed"), JobKind.BATCH, 1, 90)
    assert isinstance(decision, GiveUp)
    assert (decision.code, "training" in decision.detail) == ("batch_crashed", False)
