"""Whose turn it is, and how long it takes."""

import pytest

from ml_service.jobs.queue_rules import LiveJob, Nature, Outlook, PastJob, in_turn, look_ahead, usual_seconds

FOREST = Nature("train", "random_forest", 1000)
KNN = Nature("train", "knn", 1000)
ADA, BOB = 1, 2
TEN_SECONDS = [PastJob(FOREST, 10.0)]


def waiting(job_id: int, user: int = ADA, nature: Nature = FOREST) -> LiveJob:
    return LiveJob(job_id, user, nature)


def running(job_id: int, seconds: float, user: int = ADA, workers: int = 1) -> LiveJob:
    return LiveJob(job_id, user, FOREST, workers, seconds)


def order_of(*jobs: LiveJob) -> list[int]:
    return [job.id for job in in_turn(jobs)]


def test_one_users_jobs_are_begun_oldest_first() -> None:
    assert order_of(waiting(3), waiting(1), waiting(2)) == [1, 2, 3]


def test_many_jobs_of_one_user_do_not_hold_up_anothers_first() -> None:
    crowd = [waiting(number) for number in range(1, 51)]
    assert order_of(*crowd, waiting(99, BOB))[:3] == [1, 99, 2]


def test_who_has_one_running_comes_after_who_has_none() -> None:
    assert order_of(running(1, 5), waiting(2), waiting(3, BOB)) == [3, 2]


def test_a_job_on_two_workers_counts_twice() -> None:
    jobs = [running(1, 5, workers=2), running(2, 5, BOB), waiting(3), waiting(4, BOB)]
    assert order_of(*jobs) == [4, 3]


def test_the_usual_time_is_the_median_of_alike_jobs() -> None:
    past = [PastJob(FOREST, seconds) for seconds in (1.0, 9.0, 2.0)]
    assert usual_seconds(FOREST, past) == 2.0


@pytest.mark.parametrize(
    "other",
    [
        KNN,
        Nature("batch", "random_forest", 1000),
        Nature("train", "random_forest", 499),
        Nature("train", "random_forest", 2001),
        Nature("train", "random_forest", None),
    ],
)
def test_another_kind_type_or_size_tells_nothing(other: Nature) -> None:
    assert usual_seconds(FOREST, [PastJob(other, 5.0)]) is None


@pytest.mark.parametrize("rows", [500, 2000])
def test_half_and_twice_the_rows_are_alike(rows: int) -> None:
    assert usual_seconds(FOREST, [PastJob(Nature("train", "random_forest", rows), 5.0)]) == 5.0


def test_a_running_job_has_the_rest_of_the_usual_time_left() -> None:
    assert look_ahead([running(1, 4)], TEN_SECONDS, 2) == {1: Outlook(None, 6.0)}


def test_a_job_that_takes_longer_than_usual_is_of_unknown_length() -> None:
    assert look_ahead([running(1, 12)], TEN_SECONDS, 2) == {1: Outlook(None, None)}


def test_a_waiting_job_waits_for_the_worker_that_is_free_first() -> None:
    live = [running(1, 4), running(2, 9), waiting(3), waiting(4)]
    told = look_ahead(live, TEN_SECONDS, 2)
    assert (told[3], told[4]) == (Outlook(1, 11.0), Outlook(2, 16.0))


def test_what_waits_behind_something_unknown_is_of_unknown_length() -> None:
    told = look_ahead([waiting(1, nature=KNN), waiting(2)], TEN_SECONDS, 1)
    assert told == {1: Outlook(1, None), 2: Outlook(2, None)}


def test_without_workers_nobody_knows_when() -> None:
    assert look_ahead([waiting(1)], TEN_SECONDS, 0) == {1: Outlook(1, None)}
