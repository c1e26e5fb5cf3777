"""Nearest neighbours."""

import copy
from typing import Any, Literal

import numpy as np
from pydantic import Field

from ml_service.learning.model_types.protocol import (
    LOADED_SIZE,
    Array,
    Arrays,
    Estimator,
    Matrix,
    ModelType,
    ModelTypeRefusal,
    Parameters,
    Scorer,
    Task,
    TrainingTable,
    in_pieces,
)

# Training and prediction use the same search, so that both choose the same among equally near rows.
ALGORITHM = "kd_tree"
LEAF_ROWS = 30
# Attributes of a fitted estimator that follow from the arrays.
FITTED_ROWS = ("_fit_X", "_y", "_tree")
# Distances and positions of the neighbours of the rows that are scored at once: 16 MB each.
MOST_NEIGHBOURS_AT_ONCE = 2_000_000
# Measured with 200 columns.
SECONDS_PER_CELL = 3e-9
SECONDS_PER_NEIGHBOUR = 300e-9


class TooManyNeighbours(ModelTypeRefusal):
    code = "too_many_neighbours"

    def __init__(self, neighbours: int, rows: int) -> None:
        super().__init__(
            f"n_neighbors is {neighbours} but the training part has {rows} rows; choose at most {rows}.",
            rows=rows,
        )


class KnnParameters(Parameters):
    n_neighbors: int = Field(default=5, ge=1, le=1000, description="Number of nearest rows that decide.")
    weights: Literal["uniform", "distance"] = Field(
        default="uniform", description="Weight of the nearest rows; distance lets nearer rows count more."
    )


class Knn(ModelType[KnnParameters]):
    name = "knn"
    title = "Nearest neighbours"
    parameters = KnnParameters
    tasks: frozenset[Task] = frozenset({"classification", "regression"})
    scaled = True
    candidates = ({}, {"n_neighbors": 15, "weights": "distance"})

    def check(self, parameters: KnnParameters, table: TrainingTable) -> None:
        if parameters.n_neighbors > table.training_rows:
            raise TooManyNeighbours(parameters.n_neighbors, table.training_rows)

    def least_model_bytes(self, parameters: KnnParameters, table: TrainingTable) -> int:  # noqa: ARG002 - of any
        return int(LOADED_SIZE * table.matrix_bytes)

    def build(
        self,
        parameters: KnnParameters,
        task: Task,
        seed: int,  # noqa: ARG002 - nothing here is random
    ) -> Estimator:
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        estimator_class = KNeighborsClassifier if task == "classification" else KNeighborsRegressor
        return estimator_class(algorithm=ALGORITHM, **parameters.model_dump())

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - same for both  # Any: either class
        return {
            "rows": estimator._fit_X,  # scikit-learn has no public attribute for them
            "targets": estimator._y,  # codes of classes, or values
            "classes": np.arange(len(getattr(estimator, "classes_", ()))),
            "neighbours": np.array(estimator.n_neighbors),
            "nearer_counts_more": np.array(estimator.weights == "distance"),
        }

    def strip(self, estimator: Any) -> Any:  # Any: as above
        stripped = copy.copy(estimator)
        for name in FITTED_ROWS:
            delattr(stripped, name)
        return stripped

    def restore(self, estimator: Any, arrays: Arrays) -> Any:  # Any: as above
        if hasattr(estimator, "_tree"):  # of an older version
            return estimator
        classes = getattr(estimator, "classes_", None)
        estimator.fit(arrays["rows"], arrays["targets"])
        if classes is not None:
            estimator.classes_ = classes
        return estimator

    def restored_bytes(self, arrays: Arrays) -> int:
        return self.loaded_bytes(arrays)

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        from sklearn.neighbors import KDTree

        tree = KDTree(arrays["rows"], leaf_size=LEAF_ROWS)
        neighbours, by_distance = int(arrays["neighbours"]), bool(arrays["nearer_counts_more"])
        targets, classes = arrays["targets"], len(arrays["classes"])
        rows_at_once = max(1, MOST_NEIGHBOURS_AT_ONCE // neighbours)

        def score_some(rows: Matrix) -> Matrix:
            distances, nearest = tree.query(rows, k=neighbours)
            weights = _inverse_distances(distances) if by_distance else np.ones_like(distances)
            near = targets[nearest]
            if task == "classification":
                return _shares(near, weights, classes)
            return (weights * near).sum(axis=1) / weights.sum(axis=1)

        def score(rows: Matrix) -> Matrix:
            return in_pieces(score_some, rows, rows_at_once)

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        # A row far from all others is compared with each of them.
        return arrays["rows"].size * SECONDS_PER_CELL + int(arrays["neighbours"]) * SECONDS_PER_NEIGHBOUR


def _shares(labels: Array, weights: Matrix, classes: int) -> Matrix:
    """The share of each class in the weights of each row, without one-hot labels of all training rows."""
    rows = len(labels)
    cells = (np.arange(rows)[:, None] * classes + labels).ravel()
    summed = np.bincount(cells, weights.ravel(), rows * classes).reshape(rows, classes)
    return summed / weights.sum(axis=1, keepdims=True)


def _inverse_distances(distances: Matrix) -> Matrix:
    """Weights 1/distance; if a row has neighbours at distance 0, only these count."""
    equal = distances == 0
    with np.errstate(divide="ignore"):
        return np.where(equal.any(axis=1, keepdims=True), equal.astype(np.float64), 1 / distances)
