"""Gradient boosting over histograms, compiled with treelite."""

from typing import Any

import treelite
from pydantic import Field
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from ml_service.learning.model_types.odds import shares_of
from ml_service.learning.model_types.protocol import Arrays, Matrix, Parameters, Scorer, Task
from ml_service.learning.model_types.trees import pack, unpack


class GradientBoostingParameters(Parameters):
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="How much of each tree is believed.")
    max_iter: int = Field(default=100, ge=1, le=500, description="How many trees follow one another.")
    max_leaf_nodes: int = Field(default=31, ge=2, le=255, description="Leaves of one tree.")
    min_samples_leaf: int = Field(default=20, ge=1, le=10_000, description="Rows needed in a leaf.")
    l2_regularization: float = Field(
        default=0.0, ge=0, le=1e6, description="How strongly leaves are held back."
    )


class GradientBoosting:
    name = "gradient_boosting"
    title = "Gradient boosting"
    parameters = GradientBoostingParameters
    tasks: frozenset[Task] = frozenset({"classification", "regression"})
    scaled = False
    tried = ({}, {"learning_rate": 0.05, "max_leaf_nodes": 15, "l2_regularization": 1.0})

    def build(
        self, parameters: GradientBoostingParameters, task: Task, seed: int
    ) -> HistGradientBoostingClassifier | HistGradientBoostingRegressor:
        kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
        # Stopping early would set rows aside by class, which fails where a class has a single row.
        chosen: dict[str, Any] = {
            "early_stopping": False,
            **parameters.model_dump(),
        }  # Any: as they are named
        return kind(random_state=seed, **chosen)

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - alike for both  # Any: either class
        return {"trees": pack(estimator)}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        trees = unpack(arrays["trees"])

        def score(rows: Matrix) -> Matrix:
            # treelite's own probabilities are of single precision; its sums are not.
            sums: Matrix = treelite.gtil.predict(trees, rows, nthread=1, pred_margin=True)
            return shares_of(sums.reshape(len(rows), -1)) if task == "classification" else sums.reshape(-1)

        return score
