"""What a comparison tries."""

from typing import Any

import pytest
from tests.support.tables import csv, fruit_table, line_table

from ml_service.learning.comparison.candidates import (
    USUAL_TYPE,
    Candidate,
    ComparisonSpec,
    candidates_for,
    compare,
    most_candidates,
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


def order(label: str = "y", **changes: Any) -> TrainingSpec:  # Any: fields of every type
    return TrainingSpec("auto", changes.pop("features", ("x", "noise")), label, **changes)


@pytest.mark.parametrize("task", TASKS)
def test_every_type_that_does_the_task_is_tried(task: Task) -> None:
    offered = {name for name, each in MODEL_TYPES.items() if task in each.tasks}
    assert {each.type for each in candidates_for(task)} == offered


@pytest.mark.parametrize("task", TASKS)
def test_each_types_plainest_is_tried_before_any_second_one(task: Task) -> None:
    candidates = candidates_for(task)
    types = {each.type for each in candidates}
    first = candidates[: len(types)]
    assert {each.type for each in first} == types
    assert all(each.params == {} for each in first)


@pytest.mark.parametrize("task", TASKS)
def test_no_candidate_is_tried_twice(task: Task) -> None:
    spelt_out = [(each.type, parse(each.type, each.params)) for each in candidates_for(task)]
    assert all(spelt_out.count(each) == 1 for each in spelt_out)


def test_how_many_there_are_is_told() -> None:
    assert most_candidates() == {task: len(candidates_for(task)) for task in TASKS}


def test_the_usual_type_does_every_task() -> None:
    assert MODEL_TYPES[USUAL_TYPE].tasks == set(TASKS)


def test_the_label_decides_on_the_task_of_all(profile_of: Any) -> None:  # Any: as above
    spec = compare(profile_of(fruit_table()), order("fruit", features=("weight", "colour")), None)
    assert spec.base.task == "classification"
    assert list(spec.candidates) == candidates_for("classification")


def test_what_cannot_be_trained_on_the_table_is_left_out(profile_of: Any) -> None:  # Any: as above
    spec = compare(profile_of(line_table(15)), order(), None)
    assert {each.type for each in spec.candidates} == {each.type for each in candidates_for("regression")}
    assert not [each for each in spec.candidates if each.params.get("n_neighbors", 0) == 15]


def test_too_few_rows_are_refused(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(PartTooSmall):
        compare(profile_of(line_table(12)), order(), None)


def test_parameters_are_refused(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(InvalidSpec):
        compare(profile_of(line_table()), order(params={"C": 1.0}), None)


def test_an_order_that_fits_no_table_is_refused_in_the_usual_words(profile_of: Any) -> None:  # Any: as above
    with pytest.raises(UnknownColumn):
        compare(profile_of(csv("a,y", *(f"{n},{n}" for n in range(40)))), order(), None)


def test_it_survives_its_journey_as_json() -> None:
    spec = ComparisonSpec(order(), (Candidate("knn", {"n_neighbors": 15}), Candidate("linear")), 40)
    assert ComparisonSpec.from_json(spec.to_json()) == spec
