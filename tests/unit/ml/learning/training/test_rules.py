"""Rules of training specs: refusals, tasks and splits."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import ServiceError, from_document
from ml_service.learning.model_types import MODEL_TYPE_ERRORS
from ml_service.learning.tables import ColumnProfile, TableProfile
from ml_service.learning.training import TRAINING_ERRORS, Plan, SplitMethod, TrainingSpec, check
from ml_service.learning.training.errors import MissingLabels

SPEC = TrainingSpec("knn", ("size", "colour"), "label")


def column(
    name: str, kind: Any = "number", counts: tuple[int, ...] | None = None, **more: Any
) -> ColumnProfile:
    return ColumnProfile(name, kind, **{"missing": 0, "whole": False, "value_counts": counts, **more})


def table(label: ColumnProfile, rows: int = 100) -> TableProfile:
    others = (
        column("size"),
        column("colour", "text", (rows // 2, rows - rows // 2)),
        column("void", "empty", ()),
        column("day", "date"),
        column("gaps", "date", missing=2),
        column("once", counts=(rows,)),
    )
    columns = {column.name: column for column in (*others, label)}
    return TableProfile(tuple(columns), columns, rows)


NUMBERS = column("label")
WHOLE = column("label", counts=(50, 50), whole=True)
MONTHS = column("label", counts=(10,) * 12, whole=True)
TEXT = column("label", "text", (30, 70))


def refusals() -> Iterator[tuple[str, TableProfile, TrainingSpec]]:
    yield "no_features", table(TEXT), replace(SPEC, features=())
    yield "duplicate_feature", table(TEXT), replace(SPEC, features=("size", "size"))
    yield "label_among_features", table(TEXT), replace(SPEC, features=("label",))
    yield "unknown_column", table(TEXT), replace(SPEC, features=("weight",))
    yield "unknown_column", table(TEXT), replace(SPEC, label="weight")
    yield "empty_column", table(TEXT), replace(SPEC, features=("void",))
    yield "empty_column", table(TEXT), replace(SPEC, label="void")
    yield "date_label", table(TEXT), replace(SPEC, label="day")
    yield "missing_labels", table(replace(TEXT, missing=3)), SPEC
    yield "label_not_numeric", table(TEXT), replace(SPEC, model_type="linear")
    yield "label_not_numeric", table(TEXT), replace(SPEC, task="regression")
    yield "label_not_classes", table(NUMBERS), replace(SPEC, model_type="logistic")
    yield "label_not_classes", table(replace(NUMBERS, whole=True)), replace(SPEC, model_type="logistic")
    yield "label_not_classes", table(NUMBERS), replace(SPEC, task="classification")
    yield "task_not_offered", table(WHOLE), replace(SPEC, model_type="linear", task="classification")
    yield "task_not_offered", table(WHOLE), replace(SPEC, model_type="logistic", task="regression")
    yield "too_many_classes", table(replace(TEXT, value_counts=None)), SPEC
    yield "single_class", table(replace(TEXT, value_counts=(100,))), SPEC
    yield "constant_label", table(replace(WHOLE, value_counts=(100,))), replace(SPEC, model_type="linear")
    yield "class_too_small", table(replace(TEXT, value_counts=(1, 1, 98))), SPEC
    yield "part_too_small", table(NUMBERS, rows=5), SPEC
    yield "part_too_small", table(NUMBERS, rows=10), replace(SPEC, train_fraction=0.1)
    yield "part_too_small", table(NUMBERS, rows=1), SPEC
    yield "too_many_neighbours", table(NUMBERS), replace(SPEC, params={"n_neighbors": 81})
    yield (
        "solver_takes_two_classes",
        table(replace(TEXT, value_counts=(30, 30, 40))),
        replace(SPEC, model_type="logistic", params={"solver": "liblinear"}),
    )
    for fraction in (0.0, 1.0, -1.0, float("nan"), float("inf")):
        yield "invalid_training_spec", table(TEXT), replace(SPEC, train_fraction=fraction)
    for split in (
        SplitMethod("time"),
        SplitMethod("group"),
        SplitMethod("random", "day"),
        SplitMethod("group", "label"),
    ):
        yield "invalid_training_spec", table(TEXT), replace(SPEC, split=split)
    yield "unknown_column", table(TEXT), replace(SPEC, split=SplitMethod("time", "weight"))
    yield "empty_column", table(TEXT), replace(SPEC, split=SplitMethod("group", "void"))
    yield "missing_split_values", table(TEXT), replace(SPEC, split=SplitMethod("time", "gaps"))
    yield "missing_split_values", table(TEXT), replace(SPEC, split=SplitMethod("group", "gaps"))
    yield "split_not_in_time", table(TEXT), replace(SPEC, split=SplitMethod("time", "colour"))
    yield "too_few_groups", table(TEXT), replace(SPEC, split=SplitMethod("time", "once"))
    yield "too_few_groups", table(TEXT), replace(SPEC, split=SplitMethod("group", "once"))
    yield (
        "too_few_groups",
        table(TEXT),
        replace(SPEC, train_fraction=0.4, split=SplitMethod("group", "colour")),
    )
    for seed in (-1, 2**32):
        yield "invalid_training_spec", table(TEXT), replace(SPEC, seed=seed)


@pytest.mark.parametrize(("code", "profile", "spec"), list(refusals()))
def test_spec_that_does_not_fit_its_table_is_refused(
    code: str, profile: TableProfile, spec: TrainingSpec
) -> None:
    with pytest.raises(ServiceError) as caught:
        check(profile, spec)
    assert caught.value.code == code
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize(
    ("model_type", "label", "rows", "task"),
    [
        ("linear", WHOLE, 100, "regression"),
        ("logistic", WHOLE, 100, "classification"),
        ("logistic", MONTHS, 120, "classification"),
        ("random_forest", MONTHS, 120, "regression"),
        ("logistic", replace(WHOLE, value_counts=(2,) * 100), 200, "classification"),
        ("logistic", TEXT, 100, "classification"),
        ("knn", TEXT, 100, "classification"),
        ("knn", NUMBERS, 100, "regression"),
        ("knn", WHOLE, 100, "classification"),
        ("knn", replace(WHOLE, value_counts=(5, 5)), 10, "classification"),
        ("random_forest", replace(WHOLE, value_counts=(10,) * 10), 100, "classification"),
        ("random_forest", replace(WHOLE, value_counts=(10,) * 11), 110, "regression"),
        ("random_forest", replace(WHOLE, value_counts=(4,) * 10), 40, "regression"),
    ],
)
def test_task_follows_the_model_type_and_the_label(
    model_type: str, label: ColumnProfile, rows: int, task: str
) -> None:
    plan = check(table(label, rows), replace(SPEC, model_type=model_type))
    assert plan.task == task


@pytest.mark.parametrize(
    ("label", "spec", "advice"),
    [
        (NUMBERS, replace(SPEC, model_type="logistic"), "choose knn, linear, .* which learn numbers"),
        (NUMBERS, replace(SPEC, task="classification"), "set the task to regression"),
        (TEXT, replace(SPEC, model_type="linear"), "choose knn, logistic, .* which learn classes"),
        (TEXT, replace(SPEC, task="regression"), "set the task to classification"),
        (
            replace(WHOLE, value_counts=(1, 99)),
            replace(SPEC, model_type="logistic"),
            "choose knn, linear, .* set the task to regression",
        ),
    ],
)
def test_refused_task_names_the_way_to_the_other(
    label: ColumnProfile, spec: TrainingSpec, advice: str
) -> None:
    with pytest.raises(ServiceError, match=advice):
        check(table(label), spec)


def test_text_label_with_a_rare_class_has_no_way_to_regression() -> None:
    with pytest.raises(ServiceError, match=r"one to test on\.$"):
        check(table(replace(TEXT, value_counts=(1, 99))), SPEC)


def test_spec_can_set_the_task() -> None:
    assert check(table(WHOLE), replace(SPEC, task="regression")).task == "regression"
    twenty = replace(WHOLE, value_counts=(5,) * 20)
    assert check(table(twenty), replace(SPEC, task="classification")).classes == 20


def test_rows_without_label_can_be_dropped() -> None:
    profile = table(replace(NUMBERS, missing=20))
    plan = check(profile, replace(SPEC, missing_label="drop"))
    assert plan == Plan("regression", training_rows=64, test_rows=16, classes=0, stratified=False)


def test_split_is_stratified_if_each_part_has_a_row_of_each_class() -> None:
    assert check(table(TEXT), SPEC).stratified
    three = replace(TEXT, value_counts=(3, 3, 4))
    assert not check(table(three, rows=10), SPEC).stratified


@pytest.mark.parametrize("split", [SplitMethod("time", "day"), SplitMethod("group", "colour")])
def test_split_by_a_column_is_not_stratified(split: SplitMethod) -> None:
    plan = check(table(TEXT), replace(SPEC, split=split))
    assert (plan.training_rows, plan.test_rows, plan.stratified) == (80, 20, False)


def test_missing_labels_are_counted_in_the_detail() -> None:
    with pytest.raises(MissingLabels, match=r"3 rows have no value in the label column 'label'"):
        check(table(replace(TEXT, missing=3)), SPEC)


def test_spec_round_trips_through_json() -> None:
    spec = replace(SPEC, params={"n_neighbors": 3}, train_fraction=0.7, split=SplitMethod("time", "day"))
    assert TrainingSpec.from_json(spec.to_json()) == spec


def test_spec_of_an_older_version_is_split_at_random() -> None:
    document = SPEC.to_json()
    del document["split"]
    assert TrainingSpec.from_json(document) == SPEC


@pytest.mark.parametrize("error_class", [*TRAINING_ERRORS, *MODEL_TYPE_ERRORS])
def test_training_error_is_rebuilt_from_its_document(error_class: type[ServiceError]) -> None:
    document = {"code": error_class.code, "detail": "A sentence.", "members": {"column": "label"}}
    error = from_document(document)
    assert (type(error), error.detail, error.members) == (error_class, "A sentence.", {"column": "label"})
