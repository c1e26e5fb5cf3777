"""What a job may do next."""

import pytest

from ml_service.jobs.rules import JobState, has_ended, may_cancel


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_a_live_job_may_be_cancelled(state: JobState) -> None:
    assert may_cancel(state, has_result=False)


def test_a_job_with_a_result_is_paid_for() -> None:
    assert not may_cancel(JobState.RUNNING, has_result=True)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_an_ended_job_stays_as_it_is(state: JobState) -> None:
    assert has_ended(state)
    assert not may_cancel(state, has_result=False)
