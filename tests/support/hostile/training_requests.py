"""Hostile fields of `POST /create`, each with words of the expected error."""

from dataclasses import dataclass, field

from tests.support.hostile.files import MARKER

DEEP = "[" * 20_000 + "]" * 20_000


@dataclass(frozen=True)
class HostileTrainingRequest:
    """`fields` replace fields of a valid form; the field `without` is removed."""

    name: str
    fields: dict[str, str]
    says: tuple[str, ...]
    statuses: tuple[int, ...] = (400, 422)
    without: str | None = field(default=None)


def _params(name: str, model_type: str, params: str, *says: str) -> HostileTrainingRequest:
    return HostileTrainingRequest(name, {"model_type": model_type, "optional_params": params}, says)


TRAINING_REQUESTS = [
    HostileTrainingRequest("unknown_type", {"model_type": MARKER}, ("type",)),
    HostileTrainingRequest("path_as_type", {"model_type": f"../../{MARKER}"}, ("type",)),
    HostileTrainingRequest("type_with_nul", {"model_type": "linear\x00"}, ("type",)),
    HostileTrainingRequest("no_type", {}, ("model_type",), without="model_type"),
    HostileTrainingRequest("no_label", {}, ("label_col",), without="label_col"),
    HostileTrainingRequest("no_features", {}, ("feature_cols",), without="feature_cols"),
    HostileTrainingRequest("no_file", {}, ("csv_file",), without="csv_file"),
    HostileTrainingRequest("unknown_label", {"label_col": "wieght"}, ("label", "wieght")),
    HostileTrainingRequest("label_among_the_features", {"feature_cols": '["x", "y"]'}, ("y",)),
    HostileTrainingRequest("unknown_feature", {"feature_cols": '["x", "wieght"]'}, ("feature", "wieght")),
    HostileTrainingRequest("feature_named_twice", {"feature_cols": '["x", "x"]'}, ("x",)),
    HostileTrainingRequest("empty_features", {"feature_cols": "[]"}, ("feature",)),
    HostileTrainingRequest(
        "features_as_an_object", {"feature_cols": f'{{"x": "{MARKER}"}}'}, ("feature_cols",)
    ),
    HostileTrainingRequest("features_that_are_numbers", {"feature_cols": "[1, 2]"}, ("feature_cols",)),
    HostileTrainingRequest("features_nested_deeply", {"feature_cols": DEEP}, ("feature_cols",)),
    HostileTrainingRequest("training_part_of_nan", {"train_percentage": "nan"}, ("train_percentage",)),
    HostileTrainingRequest("training_part_of_text", {"train_percentage": MARKER}, ("train_percentage",)),
    HostileTrainingRequest("training_part_of_80", {"train_percentage": "80"}, ("train_percentage",)),
    HostileTrainingRequest("training_part_that_leaves_no_test", {"train_percentage": "0.999"}, ("row",)),
    _params("parameters_that_are_not_json", "knn", "{n_neighbors: 5", "optional_params"),
    _params("parameters_as_a_list", "knn", f'["{MARKER}"]', "optional_params"),
    _params("parameters_nested_deeply", "knn", '{"n_neighbors": ' + DEEP + "}", "optional_params"),
    _params("unknown_parameter", "knn", f'{{"{MARKER}": 5}}', "n_neighbors"),
    _params("no_neighbours", "knn", '{"n_neighbors": 0}', "n_neighbors"),
    _params("more_neighbours_than_rows", "knn", '{"n_neighbors": 1000}', "n_neighbors"),
    _params("neighbours_of_text", "knn", f'{{"n_neighbors": "{MARKER}"}}', "n_neighbors"),
    _params("neighbours_of_true", "knn", '{"n_neighbors": true}', "n_neighbors"),
    _params("a_fraction_of_a_neighbour", "knn", '{"n_neighbors": 2.5}', "n_neighbors"),
    _params("neighbours_in_a_list", "knn", '{"n_neighbors": [5]}', "n_neighbors"),
    _params("neighbours_of_null", "knn", '{"n_neighbors": null}', "n_neighbors"),
    _params("unknown_weights", "knn", f'{{"weights": "{MARKER}"}}', "weights"),
    _params("a_huge_forest", "random_forest", '{"n_estimators": 1000000000}', "n_estimators"),
    _params(
        "an_integer_of_400_digits", "random_forest", f'{{"n_estimators": {"9" * 400}}}', "optional_params"
    ),
    _params("a_depth_below_zero", "random_forest", '{"max_depth": -1}', "max_depth"),
    _params("a_leaf_of_nothing", "random_forest", '{"min_samples_leaf": 0}', "min_samples_leaf"),
    _params("a_strength_below_zero", "logistic", '{"C": -1}', "C"),
    _params("a_strength_of_nan", "logistic", '{"C": NaN}', "optional_params"),
    _params("a_strength_of_infinity", "logistic", '{"C": "Infinity"}', "C"),
    _params("an_unknown_solver", "logistic", f'{{"solver": "{MARKER}"}}', "solver"),
    _params("a_switch_of_text", "linear", f'{{"fit_intercept": "{MARKER}"}}', "fit_intercept"),
]
