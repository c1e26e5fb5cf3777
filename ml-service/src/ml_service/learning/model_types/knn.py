"""Nearest neighbours."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from ml_service.learning.model_types.protocol import (
    Arrays,
    Estimator,
    Matrix,
    ModelType,
    ModelTypeRefusal,
    Parameters,
    Scorer,
    Task,
    TrainingTable,
)

# Training and prediction use the same search, so that both choose the same among equally near rows.
ALGORITHM = "kd_tree"


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

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        from sklearn.neighbors import KDTree

        tree = KDTree(arrays["rows"], leaf_size=30)
        neighbours, by_distance = int(arrays["neighbours"]), bool(arrays["nearer_counts_more"])
        targets: Matrix = arrays["targets"].astype(np.float64)
        if task == "classification":
            targets = np.eye(len(arrays["classes"]))[arrays["targets"]]

        def score(rows: Matrix) -> Matrix:
            distances, nearest = tree.query(rows, k=neighbours)
            weights = _inverse_distances(distances) if by_distance else np.ones_like(distances)
            summed = np.einsum("rn,rn...->r...", weights, targets[nearest])
            return (summed.T / weights.sum(axis=1)).T

        return score


def _inverse_distances(distances: Matrix) -> Matrix:
    """Weights 1/distance; if a row has neighbours at distance 0, only these count."""
    equal = distances == 0
    with np.errstate(divide="ignore"):
        return np.where(equal.any(axis=1, keepdims=True), equal.astype(np.float64), 1 / distances)
