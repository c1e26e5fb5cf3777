"""Histogram-based gradient boosting, compiled with treelite."""

from typing import Any

from pydantic import Field

from ml_service.learning.model_types.compilation import pack_trees, packed_walk_seconds, softmax, unpack_trees
from ml_service.learning.model_types.protocol import (
    Arrays,
    Estimator,
    Matrix,
    ModelType,
    Parameters,
    Scorer,
    Task,
    TrainingTable,
)

# scikit-learn's own is 20, whatever the number of rows; a tree of fewer than 40 rows has a single leaf.
MOST_LEAF_ROWS, LEAST_LEAF_ROWS = 20, 5


class GradientBoostingParameters(Parameters):
    learning_rate: float = Field(default=0.1, gt=0, le=1, description="Weight of each new tree.")
    max_iter: int = Field(default=100, ge=1, le=500, description="Number of trees (boosting iterations).")
    max_leaf_nodes: int = Field(default=31, ge=2, le=255, description="Maximum leaves of a tree.")
    min_samples_leaf: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Minimum rows in a leaf; null means a tenth of the training rows, from 5 to 20.",
    )
    l2_regularization: float = Field(
        default=0.0, ge=0, le=1e6, description="L2 regularization of leaf values."
    )


class GradientBoosting(ModelType[GradientBoostingParameters]):
    name = "gradient_boosting"
    title = "Gradient boosting"
    parameters = GradientBoostingParameters
    tasks: frozenset[Task] = frozenset({"classification", "regression"})
    scaled = False
    candidates = ({}, {"learning_rate": 0.05, "max_leaf_nodes": 15, "l2_regularization": 1.0})

    def adapt(self, parameters: GradientBoostingParameters, rows: int) -> GradientBoostingParameters:
        if parameters.min_samples_leaf is not None:
            return parameters
        return parameters.model_copy(update={"min_samples_leaf": leaf_rows(rows)})

    def least_fit_bytes(self, parameters: GradientBoostingParameters, table: TrainingTable) -> int:  # noqa: ARG002 - of any
        outputs = table.classes if table.classes > 2 else 1
        # Bins of one byte; gradients, Hessians and decision values. Measured 16.5 bytes for each of these.
        return table.matrix_bytes // 8 + 16 * table.training_rows * outputs

    def build(self, parameters: GradientBoostingParameters, task: Task, seed: int) -> Estimator:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        classifies = task == "classification"
        estimator_class = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
        # Early stopping splits off rows stratified by class, which fails if a class has a single row.
        settings: dict[str, Any] = {"early_stopping": False, **parameters.model_dump()}  # Any: of every type
        return estimator_class(random_state=seed, **settings)

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - same for both  # Any: either class
        return {"trees": pack_trees(estimator)}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        from ml_service.learning.model_types.tree_scorer import TreeScorer

        # treelite computes margins in double precision, but probabilities in single precision.
        trees = TreeScorer(unpack_trees(arrays["trees"]), margins=True)

        def score(rows: Matrix) -> Matrix:
            margins = trees(rows)
            return margins.reshape(-1) if task == "regression" else softmax(margins)

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        return packed_walk_seconds(arrays["trees"])


def leaf_rows(rows: int) -> int:
    """The minimum of rows in a leaf: a tenth of them, from 5 to 20, or a quarter of fewer than 20.

    Measured on 11 tables: of 24 rows, 5 in a leaf explain 66 % and 20 explain 15 %; from 160 rows on, both
    are equal.
    """
    return max(1, min(MOST_LEAF_ROWS, max(LEAST_LEAF_ROWS, rows // 10), rows // 4))
