"""The candidates of a comparison."""

from typing import Any

import pytest
from tests.support.tables import csv, fruit_table, line_table

from ml_service.learning.comparison.candidates import (
    Candidate,
    ComparisonSpec,
    candidates_for,
    most_candidates,
    plan_comparison,
)
from ml_service.learning.model_types import MODEL_TYPES, Task, parse
from ml_service.learning.tables import TableProfile, profile, read_table
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.errors import InvalidSpec, PartTooSmall, UnknownColumn

TASKS: tuple[Task, ...] = ("classification", "regression")


@pytest.fixture
def profile_of(tmp_path: Any) -> Any:  # Any: pytest's own types
    def read(table: bytes) -> TableProfile:
        path = tmp_path / "table.csv"
        path.write_bytes(table)
        return profile(read_table(path))

    return read


def training_spec(label: str = "y", **changes: Any) -> TrainingSpec:  # Any: fields of every type
    return TrainingSpec("auto", changes.pop("features", ("x", "noise")), label, **changes)


@pytest.mark.parametrize("task", TASKS)
def test_every_type_that_offers_the_task_is_a_candidate(task: Task) -> None:
    offered = {name for name, each in MODEL_TYPES.items() if task in each.tasks}
    assert {each.type for each in candidates_for(task)} == offered


@pytest.mark.parametrize("task", TASKS)
def test_defaults_of_every_type_come_first(task: Task) -> None:
    candidates = candidates_for(task)
    types = {each.type for each in candidates}
    first = candidates[: len(types)]
    assert {each.type for each in first} == types
    assert all(each.params == {} for each in first)


@pytest.mark.parametrize("task", TASKS)
def test_candidates_are_distinct(task: Task) -> None:
    spelt_out = [(each.type, parse(each.type, each.params)) for each in candidates_for(task)]
    assert all(spelt_out.count(each) == 1 for each in spelt_out)


def test_candidates_are_counted_by_task() -> None:
    assert most_candidates() == {task: len(candidates_for(task)) for task in TASKS}


def test_label_decides_the_task_of_all_candidates(profile_of: Any) -> None:  # Any: as above
    spec = plan_comparison(
        profile_of(fruit_table()), training_spec("fruit", features=("weight", "colour")), None
    )
    assert spec.base.task == "classification"
    assert list(spec.candidates) == candidates_for("classification")


def test_candidates_that_do_not_fit_the_table_are_left_out(profile_of: Any) -> None:  # Any: as above
    spec = plan_comparison(profile_of(line_table(15)), training_spec(), None)
    assert {each.type for each in spec.candidates} == {each.type for each in candidates_for("regression")}
    assert not [each for each in spec.candidates if each.params.get("n_neighbors", 0) == 15]


def test_too_few_rows_are_refused(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(PartTooSmall):
        plan_comparison(profile_of(line_table(12)), training_spec(), None)


def test_parameters_are_refused(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(InvalidSpec):
        plan_comparison(profile_of(line_table()), training_spec(params={"C": 1.0}), None)


def test_unknown_column_is_refused_as_in_a_training(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(UnknownColumn):
        plan_comparison(profile_of(csv("a,y", *(f"{n},{n}" for n in range(40)))), training_spec(), None)


def test_comparison_round_trips_through_json() -> None:
    spec = ComparisonSpec(training_spec(), (Candidate("knn", {"n_neighbors": 15}), Candidate("linear")), 40)
    assert ComparisonSpec.from_json(spec.to_json()) == spec
