"""Random forests, compiled with treelite."""

from typing import Any

import numpy as np
from pydantic import Field

from ml_service.learning.model_types.compilation import pack_forest, walk_seconds
from ml_service.learning.model_types.protocol import (
    Arrays,
    CompiledArrays,
    Estimator,
    Matrix,
    ModelType,
    Parameters,
    Scorer,
    Task,
)


class RandomForestParameters(Parameters):
    n_estimators: int = Field(default=100, ge=1, le=500, description="Number of trees.")
    max_depth: int | None = Field(
        default=None, ge=1, le=100, description="Maximum depth of a tree; null means unlimited."
    )
    min_samples_split: int = Field(default=2, ge=2, le=10_000, description="Minimum rows to split a node.")
    min_samples_leaf: int = Field(default=1, ge=1, le=10_000, description="Minimum rows in a leaf.")


class RandomForest(ModelType[RandomForestParameters]):
    name = "random_forest"
    title = "Random forest"
    parameters = RandomForestParameters
    tasks: frozenset[Task] = frozenset({"classification", "regression"})
    scaled = False
    threaded = True
    candidates = ({}, {"n_estimators": 200, "min_samples_leaf": 3})

    def build(self, parameters: RandomForestParameters, task: Task, seed: int) -> Estimator:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        estimator_class = RandomForestClassifier if task == "classification" else RandomForestRegressor
        return estimator_class(random_state=seed, **parameters.model_dump())

    def compile(self, estimator: Any, task: Task) -> CompiledArrays:  # noqa: ARG002 - same for both  # Any: either class
        return {"forest": pack_forest(estimator)}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        from ml_service.learning.model_types.tree_scorer import TreeScorer

        trees = TreeScorer(arrays["forest"])

        def score(rows: Matrix) -> Matrix:
            # scikit-learn rounds features to single precision before it compares them with a threshold.
            scores = trees(rows.astype(np.float32).astype(np.float64))
            return scores if task == "classification" else scores.reshape(-1)

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        return walk_seconds(arrays["forest"])
