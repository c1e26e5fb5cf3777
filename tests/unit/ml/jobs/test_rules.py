"""Cancellation of jobs by state."""

import pytest

from ml_service.jobs.rules import JobState, has_ended, may_cancel


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_live_job_may_be_cancelled(state: JobState) -> None:
    assert may_cancel(state, has_result=False)


def test_job_with_result_cannot_be_cancelled() -> None:
    assert not may_cancel(JobState.RUNNING, has_result=True)


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_ended_job_cannot_be_cancelled(state: JobState) -> None:
    assert has_ended(state)
    assert not may_cancel(state, has_result=False)
