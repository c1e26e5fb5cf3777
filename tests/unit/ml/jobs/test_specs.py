"""Training requests and the specs of their jobs."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.tables import fruit_table, line_table

from ml_service.jobs.schemas import TrainingRequest
from ml_service.jobs.specs import Budget, TrainingJobRequest
from ml_service.learning.comparison import candidates_for
from ml_service.learning.tables import TableProfile, profile, read_table
from ml_service.learning.training import SplitMethod
from ml_service.learning.training.errors import FitTooLarge, InvalidSpec
from ml_service.learning.training.memory import Room


@pytest.fixture
def line(tmp_path: Any) -> TableProfile:  # Any: pytest's own type
    path = tmp_path / "line.csv"
    path.write_bytes(line_table())
    return profile(read_table(path))


def test_training_of_one_type_is_one_unit(line: TableProfile) -> None:
    job_spec = TrainingJobRequest(1, "linear", "y").to_job_spec(line)
    assert (job_spec.units, job_spec.spec["model_type"]) == (1, "linear")


@pytest.mark.parametrize(("label", "task"), [("y", "regression"), ("fruit", "classification")])
def test_job_shows_the_task_that_was_chosen(tmp_path: Any, label: str, task: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(line_table() if label == "y" else fruit_table())
    request = TrainingJobRequest(1, "knn", label)
    assert request.to_job_spec(profile(read_table(path))).spec["task"] == task


def test_comparison_has_one_unit_per_candidate(line: TableProfile) -> None:
    job_spec = TrainingJobRequest(1, "auto", "y", budget=Budget(seconds=40)).to_job_spec(line)
    assert job_spec.units == len(job_spec.spec["candidates"]) == len(candidates_for("regression"))
    assert (job_spec.spec["model_type"], job_spec.spec["seconds"]) == ("auto", 40)


def test_training_that_cannot_fit_is_refused(line: TableProfile) -> None:
    with pytest.raises(FitTooLarge):
        TrainingJobRequest(1, "linear", "y").to_job_spec(line, Room(worker_bytes=100_000_000))


def test_comparison_leaves_out_candidates_that_cannot_fit(line: TableProfile) -> None:
    job_spec = TrainingJobRequest(1, "auto", "y").to_job_spec(line, Room(model_bytes=500))
    types = {candidate["type"] for candidate in job_spec.spec["candidates"]}
    assert types == {"linear", "random_forest", "gradient_boosting"}
    assert job_spec.units == len(job_spec.spec["candidates"])


def test_comparison_without_a_fitting_candidate_is_refused(line: TableProfile) -> None:
    with pytest.raises(FitTooLarge):
        TrainingJobRequest(1, "auto", "y").to_job_spec(line, Room(worker_bytes=100_000_000))


def test_budget_without_comparison_is_refused(line: TableProfile) -> None:
    with pytest.raises(InvalidSpec):
        TrainingJobRequest(1, "linear", "y", budget=Budget(seconds=40)).to_job_spec(line)


def test_budget_may_limit_only_tokens() -> None:
    body = {"dataset_id": 1, "type": "auto", "label": "y", "budget": {"tokens": 3}}
    assert TrainingRequest.model_validate(body).to_job_request().budget == Budget(None, 3)


def test_group_column_is_no_feature_unless_it_is_named(line: TableProfile) -> None:
    by_group = TrainingJobRequest(1, "linear", "y", split=SplitMethod("group", "noise"))
    assert by_group.to_training_spec(line).features == ("x",)
    named = replace(by_group, features=("x", "noise"))
    assert named.to_training_spec(line).features == ("x", "noise")


def test_time_column_stays_a_feature(line: TableProfile) -> None:
    by_time = TrainingJobRequest(1, "linear", "y", split=SplitMethod("time", "x"))
    spec = by_time.to_job_spec(line).spec
    assert (spec["features"], spec["split"]) == (["x", "noise"], {"by": "time", "column": "x"})


def test_split_of_a_request_reaches_its_job() -> None:
    body = {"dataset_id": 1, "type": "linear", "label": "y", "split": {"by": "group", "column": "who"}}
    assert TrainingRequest.model_validate(body).to_job_request().split == SplitMethod("group", "who")


def test_random_split_leaves_the_fingerprint_of_a_request_as_it_was() -> None:
    assert "split" not in TrainingJobRequest(1, "linear", "y").to_json()
    assert "split" in TrainingJobRequest(1, "linear", "y", split=SplitMethod("time", "x")).to_json()


@pytest.mark.parametrize("split", ["time", {"by": "day"}, {"column": ""}, {"by": "time", "on": "x"}, []])
def test_invalid_split_is_refused(split: object) -> None:
    with pytest.raises(ValidationError):
        TrainingRequest.model_validate({"dataset_id": 1, "type": "linear", "label": "y", "split": split})


@pytest.mark.parametrize(
    "budget",
    [
        {"tokens": 0},
        {"seconds": 0},
        {"seconds": True},
        {"seconds": 1.5},
        {"seconds": 10**30},
        {"hours": 1},
        [],
        5,
    ],
)
def test_invalid_budget_is_refused(budget: object) -> None:
    with pytest.raises(ValidationError):
        TrainingRequest.model_validate({"dataset_id": 1, "type": "auto", "label": "y", "budget": budget})
