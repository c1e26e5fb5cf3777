"""Random forests, kept in compact arrays and scored by treelite."""

from typing import Any

from pydantic import Field

from ml_service.learning.model_types.compilation import (
    Forest,
    build_forest,
    forest_bytes,
    packed_walk_seconds,
    unpack_trees,
    walk_seconds,
)
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

# The array of a model of an older version: all trees, as treelite serializes them.
SERIALIZED = "forest"
# In scikit-learn: a node, and its value or the share of each class.
FITTED_NODE_BYTES, FITTED_VALUE_BYTES = 64, 8


# A packed node with facts about its training rows; measured 7 to 12.
PACKED_NODE_BYTES = 7
# A bootstrap sample has this share of the rows.
BOOTSTRAP_SHARE = 0.632
# The least share of the possible leaves that trees had in 418 regressions on public tables with over 100
# distinct labels. Half of them had over 0.95.
LEAST_LEAVES = 0.1


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
    bounded = True
    advice = "choose fewer trees (n_estimators), a max_depth, a larger min_samples_leaf, or gradient_boosting"
    candidates = ({}, {"n_estimators": 200, "min_samples_leaf": 3})

    def least_fit_bytes(self, parameters: RandomForestParameters, table: TrainingTable) -> int:
        nodes = least_nodes(parameters, table)
        return table.matrix_bytes // 2 + nodes * PACKED_NODE_BYTES + self.least_model_bytes(parameters, table)

    def least_model_bytes(self, parameters: RandomForestParameters, table: TrainingTable) -> int:
        return forest_bytes(least_nodes(parameters, table), 0, max(table.classes, 1))

    def build(self, parameters: RandomForestParameters, task: Task, seed: int) -> Estimator:
        from ml_service.learning.model_types.forest_estimators import BlockwiseClassifier, BlockwiseRegressor

        classifies = task == "classification"
        estimator_class: Any = (
            BlockwiseClassifier if classifies else BlockwiseRegressor
        )  # Any: of scikit-learn
        return estimator_class(random_state=seed, **parameters.model_dump())

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - same for both  # Any: either class
        return estimator.arrays

    def strip(self, estimator: Any) -> Any:  # Any: as above, and scikit-learn's own forest
        from ml_service.learning.model_types.forest_estimators import without_trees

        return without_trees(estimator)

    def restore(self, estimator: Any, arrays: Arrays) -> Any:  # Any: a forest of scikit-learn
        from ml_service.learning.model_types.forest_estimators import with_trees

        return estimator if SERIALIZED in arrays else with_trees(estimator, arrays)

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        from ml_service.learning.model_types.tree_scorer import ForestScorer

        is_old = SERIALIZED in arrays
        score_all = ForestScorer(Forest(unpack_trees(arrays[SERIALIZED])) if is_old else build_forest(arrays))

        def score(rows: Matrix) -> Matrix:
            scores = score_all(rows)
            return scores if task == "classification" else scores.reshape(-1)

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        if SERIALIZED in arrays:
            return packed_walk_seconds(arrays[SERIALIZED])
        return walk_seconds(len(arrays["nodes"]), int(arrays["nodes"].sum()))

    def loaded_bytes(self, arrays: Arrays) -> int:
        if SERIALIZED in arrays:
            return super().loaded_bytes(arrays)
        return forest_bytes(int(arrays["nodes"].sum()), *arrays["outputs"].shape)

    def restored_bytes(self, arrays: Arrays) -> int:
        width = arrays["outputs"].shape[1]
        return int(arrays["nodes"].sum()) * (FITTED_NODE_BYTES + FITTED_VALUE_BYTES * width)


def least_nodes(parameters: RandomForestParameters, table: TrainingTable) -> int:
    """A lower bound of the nodes of all trees; that of classes, or of few distinct labels, may be tiny."""
    if not table.varied_label:
        return 0
    rows = BOOTSTRAP_SHARE * min(table.training_rows, table.distinct_rows)
    leaves = rows / max(parameters.min_samples_leaf, parameters.min_samples_split / 2)
    if parameters.max_depth is not None:
        leaves = min(leaves, 2.0**parameters.max_depth)
    return int(parameters.n_estimators * 2 * LEAST_LEAVES * leaves)
