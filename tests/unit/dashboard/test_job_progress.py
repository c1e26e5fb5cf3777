"""The progress of a job in one line."""

from tests.unit.client.samples import job

from dashboard.widgets.job_progress import progress_text
from farebox.results.jobs import Job

COMPARISON = {
    "running": ["Random forest (defaults)", "Nearest neighbours (n_neighbors 15)"],
    "finished": 3,
    "left": 5,
    "of": 8,
}
AUTO = {"model_type": "auto", "label": "species"}


def line(**changes: object) -> str:
    return progress_text(Job.model_validate(job("running", model_name="1_mine", **changes)))


def test_comparison_names_its_running_candidates_and_the_time_left() -> None:
    shown = line(order=AUTO, stage="comparing", percent=33, comparison=COMPARISON, estimated_seconds=80.4)
    assert shown == (
        "**mine**: comparing Random forest (defaults) and Nearest neighbours (n_neighbors 15), "
        "3 of 8 done, 3 to come, 33%, about 80 s left"
    )


def test_comparison_between_two_candidates_names_none() -> None:
    between = {**COMPARISON, "running": []}
    assert "comparing candidates, 3 of 8 done, 5 to come" in line(stage="comparing", comparison=between)


def test_comparison_that_trains_the_chosen_candidate_names_the_stage_alone() -> None:
    assert line(stage="fitting", comparison=COMPARISON) == "**mine**: fitting, 40%"


def test_training_without_a_comparison_shows_its_stage() -> None:
    assert line(stage="fitting") == "**mine**: fitting, 40%"
