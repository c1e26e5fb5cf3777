"""Order of the queue and estimated ends of its jobs."""

import pytest

from ml_service.jobs.estimate_rules import (
    JobProfile,
    LiveJob,
    PastJob,
    QueueEstimate,
    estimate_queue,
    expected_duration,
    start_order,
    typical_seconds,
)

FOREST = JobProfile("train", "random_forest", 1000)
KNN = JobProfile("train", "knn", 1000)
ADA, BOB = 1, 2
TEN_SECONDS = [PastJob(FOREST, 10.0)]


def waiting(job_id: int, user: int = ADA, profile: JobProfile = FOREST) -> LiveJob:
    return LiveJob(job_id, user, profile)


def running(job_id: int, seconds: float, user: int = ADA, workers: int = 1) -> LiveJob:
    return LiveJob(job_id, user, FOREST, workers, seconds)


def ids_in_order(*jobs: LiveJob) -> list[int]:
    return [job.id for job in start_order(jobs)]


def test_jobs_of_one_user_start_oldest_first() -> None:
    assert ids_in_order(waiting(3), waiting(1), waiting(2)) == [1, 2, 3]


def test_many_jobs_of_one_user_do_not_delay_another_users_first() -> None:
    queue = [waiting(number) for number in range(1, 51)]
    assert ids_in_order(*queue, waiting(99, BOB))[:3] == [1, 99, 2]


def test_user_with_running_job_comes_after_user_without() -> None:
    assert ids_in_order(running(1, 5), waiting(2), waiting(3, BOB)) == [3, 2]


def test_job_on_two_workers_counts_twice() -> None:
    jobs = [running(1, 5, workers=2), running(2, 5, BOB), waiting(3), waiting(4, BOB)]
    assert ids_in_order(*jobs) == [4, 3]


def test_typical_time_is_median_of_similar_jobs() -> None:
    past = [PastJob(FOREST, seconds) for seconds in (1.0, 9.0, 2.0)]
    assert typical_seconds(FOREST, past) == 2.0


@pytest.mark.parametrize(
    "other",
    [
        KNN,
        JobProfile("batch", "random_forest", 1000),
        JobProfile("train", "random_forest", 499),
        JobProfile("train", "random_forest", 2001),
        JobProfile("train", "random_forest", None),
    ],
)
def test_job_of_another_kind_type_or_size_gives_no_estimate(other: JobProfile) -> None:
    assert typical_seconds(FOREST, [PastJob(other, 5.0)]) is None


@pytest.mark.parametrize("rows", [500, 2000])
def test_half_and_twice_the_rows_are_similar(rows: int) -> None:
    assert typical_seconds(FOREST, [PastJob(JobProfile("train", "random_forest", rows), 5.0)]) == 5.0


def test_running_job_has_rest_of_typical_time_left() -> None:
    assert estimate_queue([running(1, 4)], TEN_SECONDS, 2) == {1: QueueEstimate(None, 6.0)}


def test_job_longer_than_typical_has_unknown_end() -> None:
    assert estimate_queue([running(1, 12)], TEN_SECONDS, 2) == {1: QueueEstimate(None, None)}


def test_waiting_job_gets_worker_that_is_free_first() -> None:
    live = [running(1, 4), running(2, 9), waiting(3), waiting(4)]
    estimates = estimate_queue(live, TEN_SECONDS, 2)
    assert (estimates[3], estimates[4]) == (QueueEstimate(1, 11.0), QueueEstimate(2, 16.0))


def test_job_behind_one_of_unknown_length_has_unknown_end() -> None:
    estimates = estimate_queue([waiting(1, profile=KNN), waiting(2)], TEN_SECONDS, 1)
    assert estimates == {1: QueueEstimate(1, None), 2: QueueEstimate(2, None)}


def test_end_is_unknown_without_workers() -> None:
    assert estimate_queue([waiting(1)], TEN_SECONDS, 0) == {1: QueueEstimate(1, None)}


@pytest.mark.parametrize(
    ("seconds", "duration"), [([], "unknown"), ([3.0], "short"), ([3.1], "unknown"), ([30.1], "long")]
)
def test_expected_duration_follows_similar_jobs(seconds: list[float], duration: str) -> None:
    assert expected_duration(FOREST, [PastJob(FOREST, each) for each in seconds]) == duration
