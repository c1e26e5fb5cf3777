"""Decisions after a failed attempt."""

import pytest

from ml_service.jobs.rules import MAX_ATTEMPTS, Failure, GiveUp, JobKind, Retry, decide, retry_or_give_up

REASON = "the service was interrupted"


def test_pause_doubles_with_each_attempt() -> None:
    retries = [retry_or_give_up(JobKind.TRAIN, attempts, REASON) for attempts in range(1, MAX_ATTEMPTS)]
    pauses = [again.after_seconds for again in retries if isinstance(again, Retry)]
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_job_is_given_up_after_max_attempts() -> None:
    decision = retry_or_give_up(JobKind.TRAIN, MAX_ATTEMPTS, REASON)
    assert isinstance(decision, GiveUp)
    assert decision.code == "training_interrupted"


def test_refusal_of_training_keeps_its_code_detail_and_members() -> None:
    failure = Failure("refused", "missing_labels", "3 rows have no label.", {"count": 3})
    assert decide(failure, JobKind.TRAIN, 1, 600) == GiveUp(
        "missing_labels", "3 rows have no label.", {"count": 3}
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [("crashed", "training_crashed"), ("time_limit", "time_limit"), ("out_of_memory", "out_of_memory")],
)
def test_failure_that_would_repeat_is_given_up_at_once(kind: str, code: str) -> None:
    decision = decide(Failure(kind), JobKind.TRAIN, 1, 90)  # pyright: ignore[reportArgumentType] - one of the kinds
    assert isinstance(decision, GiveUp)
    assert decision.code == code


def test_first_lost_workers_are_retried() -> None:
    decisions = [decide(Failure("worker_died"), JobKind.TRAIN, attempts, 600) for attempts in (1, 2)]
    reason = "the worker was lost"
    assert decisions == [Retry(1.0, 2, 3, reason), Retry(2.0, 3, 3, reason)]


def test_third_lost_worker_is_most_likely_out_of_memory() -> None:
    decision = decide(Failure("worker_died"), JobKind.TRAIN, 3, 600)
    assert isinstance(decision, GiveUp)
    assert decision.code == "out_of_memory"
    assert "most likely" in decision.detail


def test_known_lack_of_memory_is_stated_with_advice() -> None:
    decision = decide(Failure("out_of_memory"), JobKind.TRAIN, 1, 600)
    assert isinstance(decision, GiveUp)
    assert "needed more memory than a worker has; use fewer rows" in decision.detail


def test_stage_announces_the_attempt_and_its_reason() -> None:
    again = retry_or_give_up(JobKind.BATCH, 1, REASON)
    assert isinstance(again, Retry)
    assert again.stage == "retrying, 2 of 5: the service was interrupted"
    assert again.to_json() == {"stage": again.stage, "attempt": 2, "of": 5, "reason": REASON}


def test_time_limit_detail_names_the_limit() -> None:
    decision = decide(Failure("time_limit"), JobKind.TRAIN, 1, 90)
    assert isinstance(decision, GiveUp)
    assert "90 seconds" in decision.detail


def test_failed_batch_is_not_called_training() -> None:
    decision = decide(Failure("crashed"), JobKind.BATCH, 1, 90)
    assert isinstance(decision, GiveUp)
    assert (decision.code, "training" in decision.detail) == ("batch_crashed", False)
