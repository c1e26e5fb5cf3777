"""Parameters of model types, from course clients and from /v1."""

import pytest

from ml_service.learning.model_types import MODEL_TYPES, convert_course, course_view, describe, parse
from ml_service.learning.model_types.registry import InvalidParameter, UnknownModelType, UnknownParameter

COURSE_VIEW = {
    "knn": {"params": {"n_neighbors": "int", "weights": "str"}},
    "linear": {"params": {"fit_intercept": "bool"}},
    "logistic": {"params": {"C": "float", "max_iter": "int", "solver": "str"}},
    "random_forest": {
        "params": {
            "n_estimators": "int",
            "max_depth": "int",
            "min_samples_split": "int",
            "min_samples_leaf": "int",
        }
    },
    "gradient_boosting": {
        "params": {
            "learning_rate": "float",
            "max_iter": "int",
            "max_leaf_nodes": "int",
            "min_samples_leaf": "int",
            "l2_regularization": "float",
        }
    },
}


def test_course_lists_each_parameter_with_its_plain_type() -> None:
    assert course_view() == COURSE_VIEW


@pytest.mark.parametrize("name", sorted(MODEL_TYPES))
def test_each_type_has_a_schema_with_defaults(name: str) -> None:
    properties = describe(name)["parameters"]["properties"]
    assert all("default" in schema and "description" in schema for schema in properties.values())


@pytest.mark.parametrize("name", sorted(MODEL_TYPES))
def test_no_parameter_is_required(name: str) -> None:
    assert parse(name, {}).model_dump() == MODEL_TYPES[name].parameters().model_dump()


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("knn", {"n_neighbors": "5"}, {"n_neighbors": 5}),
        ("knn", {"n_neighbors": 5.0}, {"n_neighbors": 5}),
        ("knn", {"weights": " distance "}, {"weights": "distance"}),
        ("linear", {"fit_intercept": "true"}, {"fit_intercept": True}),
        ("linear", {"fit_intercept": "False"}, {"fit_intercept": False}),
        ("logistic", {"C": "0.5", "max_iter": "200"}, {"C": 0.5, "max_iter": 200}),
        ("random_forest", {"max_depth": 0}, {"max_depth": None}),
        ("random_forest", {"max_depth": "0"}, {"max_depth": None}),
        ("random_forest", {"max_depth": None}, {"max_depth": None}),
        ("random_forest", {"max_depth": "7"}, {"max_depth": 7}),
        ("gradient_boosting", {"min_samples_leaf": "0"}, {"min_samples_leaf": None}),
        ("gradient_boosting", {"min_samples_leaf": "3"}, {"min_samples_leaf": 3}),
    ],
)
def test_course_parameters_are_converted_to_their_declared_type(
    name: str, raw: dict[str, object], expected: dict[str, object]
) -> None:
    parsed = parse(name, convert_course(name, raw)).model_dump()
    assert {key: parsed[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("knn", {"n_neighbors": "five"}),
        ("knn", {"n_neighbors": "٥"}),
        ("knn", {"n_neighbors": "1_0"}),
        ("logistic", {"C": "0_1.5"}),
        ("knn", {"n_neighbors": "0"}),
        ("knn", {"n_neighbors": 2.5}),
        ("knn", {"n_neighbors": True}),
        ("knn", {"n_neighbors": [5]}),
        ("knn", {"n_neighbors": None}),
        ("knn", {"weights": "heavy"}),
        ("linear", {"fit_intercept": "maybe"}),
        ("linear", {"fit_intercept": 1}),
        ("logistic", {"C": "0"}),
        ("logistic", {"C": "nan"}),
        ("logistic", {"C": "inf"}),
        ("logistic", {"C": "9" * 5000}),
        ("logistic", {"max_iter": "9" * 5000}),
        ("logistic", {"solver": "magic"}),
        ("random_forest", {"max_depth": False}),
        ("random_forest", {"max_depth": -1}),
        ("random_forest", {"n_estimators": 10**6}),
        ("random_forest", {"min_samples_split": 1}),
        ("gradient_boosting", {"learning_rate": 0}),
        ("gradient_boosting", {"learning_rate": "nan"}),
        ("gradient_boosting", {"max_iter": 501}),
    ],
)
def test_parameter_out_of_bounds_is_named_but_not_repeated(name: str, raw: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter) as caught:
        parse(name, convert_course(name, raw))
    assert caught.value.members["parameter"] in raw
    assert caught.value.status == 422
    assert len(caught.value.detail) < 150


@pytest.mark.parametrize("name", sorted(MODEL_TYPES))
def test_unknown_parameter_is_refused_with_400(name: str) -> None:
    with pytest.raises(UnknownParameter) as caught:
        parse(name, convert_course(name, {"n_neighbours": 5}))
    assert caught.value.status == 400


def test_text_is_not_converted_outside_the_course_api() -> None:
    with pytest.raises(InvalidParameter):
        parse("knn", {"n_neighbors": "5"})


def test_unknown_model_type_is_refused() -> None:
    with pytest.raises(UnknownModelType):
        parse("perceptron", {})


@pytest.mark.parametrize(
    ("rows", "leaf"), [(3, 1), (12, 3), (24, 5), (60, 6), (120, 12), (200, 20), (50_000, 20)]
)
def test_leaf_of_gradient_boosting_follows_the_rows(rows: int, leaf: int) -> None:
    boosting = MODEL_TYPES["gradient_boosting"]
    assert boosting.adapt(parse("gradient_boosting", {}), rows).model_dump()["min_samples_leaf"] == leaf
    chosen = parse("gradient_boosting", {"min_samples_leaf": 7})
    assert boosting.adapt(chosen, rows) == chosen
