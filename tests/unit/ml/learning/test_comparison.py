"""Comparisons of model types: candidates and their scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score, train_test_split
from tests.support.tables import DATA, csv, fruit_table, line_table

from ml_service.learning.comparison import (
    Candidate,
    ComparisonSpec,
    candidates_for,
    most_candidates,
    plan_comparison,
)
from ml_service.learning.cross_validation import cross_validate, score_test_part
from ml_service.learning.leaderboard import FOLDS
from ml_service.learning.model_types import MODEL_TYPES, Task, parse
from ml_service.learning.tables import DEFAULT_LIMITS, Json, TableProfile, profile, read_table
from ml_service.learning.training import SplitMethod, TrainingSpec
from ml_service.learning.training.errors import (
    FitFailed,
    InvalidSpec,
    OneClassInTraining,
    PartTooSmall,
    TooFewGroups,
    UnknownColumn,
)
from ml_service.learning.training.pipeline import train

TASKS: tuple[Task, ...] = ("classification", "regression")
FEATURES = ["age", "bmi", "bp", "s1", "s5"]


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
    complete = [(each.type, parse(each.type, each.params)) for each in candidates_for(task)]
    assert all(complete.count(candidate) == 1 for candidate in complete)


def test_candidates_are_counted_by_task() -> None:
    assert most_candidates() == {task: len(candidates_for(task)) for task in TASKS}


def test_label_decides_the_task_of_all_candidates(profile_of: Any) -> None:  # Any: as above
    spec = plan_comparison(
        profile_of(fruit_table()), training_spec("fruit", features=("weight", "colour")), None
    )
    assert spec.base.task == "classification"
    assert list(spec.candidates) == candidates_for("classification")


def test_candidates_that_do_not_fit_the_table_are_omitted(profile_of: Any) -> None:  # Any: as above
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


def score(path: Path, **spec: Any) -> Json:
    stages: list[str] = []
    fields = {"params": {}, "features": FEATURES, "label": "target", **spec}
    result = cross_validate(path, TrainingSpec.from_json(fields), stages.append, DEFAULT_LIMITS)
    assert stages[:1] == ["reading"]
    return result


def test_regression_score_equals_scikit_learns() -> None:
    result = score(DATA / "diabetes.csv", model_type="linear", task="regression")
    table = pd.read_csv(DATA / "diabetes.csv")
    rows, _ = train_test_split(np.arange(len(table)), train_size=0.8, random_state=0)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    training = table.iloc[rows]
    scores = cross_val_score(
        LinearRegression(), training[FEATURES], training["target"], cv=folds, scoring="r2"
    )
    assert result["metric"] == "r2_score"
    assert result["score"] == pytest.approx(scores.mean(), abs=1e-9)
    assert result["spread"] == pytest.approx(scores.std(), abs=1e-9)
    assert result["standard_error"] == pytest.approx(scores.std(ddof=1) / np.sqrt(FOLDS), abs=1e-9)
    assert min(result["fit_seconds"], result["predict_seconds"]) > 0


def test_folds_of_a_split_in_time_are_scikit_learns_time_series_split() -> None:
    by_date = {"by": "time", "column": "date"}
    spec = {"features": ["temp_min", "wind"], "label": "temp_max", "split": by_date}
    result = score(DATA / "seattle-weather.csv", model_type="linear", task="regression", **spec)
    table = pd.read_csv(DATA / "seattle-weather.csv").sort_values("date")
    training = table.iloc[: int(0.8 * len(table))]
    scores = cross_val_score(
        LinearRegression(),
        training[["temp_min", "wind"]],
        training["temp_max"],
        cv=TimeSeriesSplit(FOLDS),
        scoring="r2",
    )
    assert result["score"] == pytest.approx(scores.mean(), abs=1e-9)


def test_folds_of_a_split_by_group_keep_groups_together(tmp_path: Path) -> None:
    """The label is a number of the group, which nothing else in the table gives away."""
    groups = np.random.default_rng(1).normal(size=40)
    rows = (f"{n % 40},{groups[n % 40]:.6f},{groups[n % 40]:.6f}{n:04}" for n in range(400))
    path = tmp_path / "t.csv"
    path.write_bytes(csv("person,mark,y", *rows))
    spec = {"features": ["person"], "label": "y", "task": "regression", "params": {"n_neighbors": 1}}
    at_random = score(path, model_type="knn", **spec)
    by_group = score(path, model_type="knn", **spec, split={"by": "group", "column": "person"})
    assert at_random["score"] > 0.99
    assert by_group["score"] < 0.5


def test_too_few_groups_for_the_folds_are_refused(profile_of: Any) -> None:  # Any: as above
    table = csv("who,x,y", *(f"p{n % 6},{n * 7919 % 13},{3 * n}" for n in range(60)))
    by_group = training_spec(features=("x",), split=SplitMethod("group", "who"))
    with pytest.raises(TooFewGroups) as caught:
        plan_comparison(profile_of(table), by_group, None)
    assert caught.value.members == {"column": "who", "groups": 6, "needed": 7}


def test_folds_in_time_need_a_part_more(profile_of: Any) -> None:  # Any: as above
    by_time = training_spec(split=SplitMethod("time", "x"))
    plan_comparison(profile_of(line_table(15)), by_time, None)
    plan_comparison(profile_of(line_table(14)), training_spec(), None)
    with pytest.raises(PartTooSmall):
        plan_comparison(profile_of(line_table(14)), by_time, None)


def test_first_folds_in_time_with_a_single_class_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(csv("t,x,y", *(f"{n},{n * 7 % 5},{'ab'[n >= 30 and n % 2]}" for n in range(60))))
    spec = {"features": ["x"], "label": "y", "split": {"by": "time", "column": "t"}}
    with pytest.raises(OneClassInTraining):
        score(path, model_type="logistic", task="classification", **spec)


def test_classification_score_is_balanced_accuracy() -> None:
    spec = {"features": ["bill_length_mm", "bill_depth_mm", "island"], "label": "species"}
    result = score(DATA / "penguins.csv", model_type="logistic", task="classification", **spec)
    assert result["metric"] == "balanced_accuracy"
    assert 0.9 < result["score"] <= 1


def test_classes_smaller_than_the_number_of_folds_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(csv("x,kind", *(f"{n},{'abcdef'[n % 6]}" for n in range(24))))
    spec = {"features": ["x"], "label": "kind"}
    result = score(path, model_type="random_forest", task="classification", **spec)
    assert 0 <= result["score"] <= 1


def test_more_neighbours_than_rows_of_a_fold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    path.write_bytes(line_table(20))
    spec = {"features": ["x"], "label": "y", "params": {"n_neighbors": 15}}
    with pytest.raises(FitFailed):
        score(path, model_type="knn", task="regression", **spec)


def test_rival_is_scored_on_the_test_part_as_a_trained_model_is(tmp_path: Path) -> None:
    spec = TrainingSpec("random_forest", tuple(FEATURES), "target", {"n_estimators": 10})
    trained = train(DATA / "diabetes.csv", spec, tmp_path / "m")
    measured = score_test_part(DATA / "diabetes.csv", spec, lambda _stage: None, DEFAULT_LIMITS)
    assert measured["metrics"] == pytest.approx(trained.metrics)
