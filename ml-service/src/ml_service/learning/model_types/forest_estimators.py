"""Random forests of scikit-learn that are fitted some trees at a time and kept in compact arrays.

A forest of scikit-learn takes 64 bytes for a node, and 8 for a value or for each class. Here each block of
trees is packed before the next is fitted, so that the whole forest never exists. The trees are the same.

ml-service does not import this module, nor scikit-learn.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree._tree import NODE_DTYPE, Tree

from ml_service.learning.model_types.compilation import build_forest, forest_bytes
from ml_service.learning.model_types.forest_arrays import (
    LEAF_FACTS,
    ForestPacker,
    Nodes,
    UnpackedTree,
    spread,
    unpack,
)
from ml_service.learning.model_types.protocol import Array, Arrays, Matrix
from ml_service.learning.model_types.tree_scorer import ForestScorer

# The bytes of the trees of scikit-learn that exist at once.
BLOCK_BYTES = 64 * 1024 * 1024
BYTES_OF_A_VALUE = 8
# A bootstrap sample has 63 % of the rows, and at most a leaf for each.
NODES_PER_ROW = 2 * 0.632
# In scikit-learn's leaves.
NO_FEATURE, NO_THRESHOLD = -2, -2.0


class _FittedInBlocks:
    """Mixin of scikit-learn's forests.

    `check_bytes` is called after each block with the estimated memory of the loaded model; it may raise.
    """

    check_bytes: Callable[[int], object] | None = None

    def fit(self: Any, X: Any, y: Any) -> Any:  # Any: a forest of scikit-learn, arrays
        wanted = self.n_estimators
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(X, np.float32)
        outputs = len(np.unique(y)) if is_classifier(self) else 1
        packer, self.estimators_, self._scorer = ForestPacker(rows.shape[1]), [], None
        # Each call continues the sequence of random numbers, as one call for all trees.
        self.warm_start = True
        try:
            while (fitted := len(self.estimators_)) < wanted:
                block = self._block_size(packer.nodes / fitted if fitted else len(y) * NODES_PER_ROW, outputs)
                self.n_estimators = min(wanted, fitted + block)
                super().fit(rows, y)  # pyright: ignore[reportAttributeAccessIssue] - of the forest
                for estimator in self.estimators_[fitted:]:
                    packer.add(estimator.tree_)
                    del estimator.tree_
                if self.check_bytes is not None:
                    share = len(self.estimators_) / wanted
                    self.check_bytes(int(forest_bytes(packer.nodes, packer.outputs, outputs) / share))
        finally:
            self.n_estimators, self.warm_start = wanted, False
        self.arrays, self.leaf_facts = packer.join()
        return self

    def score_rows(self: Any, rows: Any) -> Matrix:  # Any: as above
        if self._scorer is None:
            self._scorer = ForestScorer(build_forest(self.arrays))
        return self._scorer(np.asarray(rows))

    def _block_size(self: Any, nodes_of_a_tree: float, outputs: int) -> int:
        bytes_of_a_tree = nodes_of_a_tree * (NODE_DTYPE.itemsize + outputs * BYTES_OF_A_VALUE)
        return max(self.n_jobs or 1, int(BLOCK_BYTES / bytes_of_a_tree))


class BlockwiseRegressor(_FittedInBlocks, RandomForestRegressor):
    def predict(self, X: Any) -> Matrix:  # Any: rows of numbers
        return self.score_rows(X).reshape(-1)


class BlockwiseClassifier(_FittedInBlocks, RandomForestClassifier):
    def predict_proba(self, X: Any) -> Matrix:  # Any: as above
        return self.score_rows(X)


def without_trees(forest: Any) -> Any:  # Any: either class of this file, and scikit-learn's own
    """scikit-learn's own forest with all attributes but its trees, and with the facts about leaves."""
    plain_class = RandomForestClassifier if is_classifier(forest) else RandomForestRegressor
    plain = plain_class(**forest.get_params())
    own = {"arrays", "check_bytes", "_scorer"}
    vars(plain).update({name: value for name, value in vars(forest).items() if name not in own})
    return plain


def with_trees(forest: Any, arrays: Arrays) -> Any:  # Any: as above
    """The complete forest of scikit-learn, from one of `without_trees`.

    Facts about nodes above the leaves are computed from those of the leaves.
    """
    facts: Arrays = vars(forest).pop("leaf_facts")
    outputs: Matrix = arrays["outputs"]
    end = 0
    for estimator, tree in zip(forest.estimators_, unpack(arrays), strict=True):
        start, end = end, end + len(tree.leaves)
        own_facts = {name: facts[name][start:end] for name in LEAF_FACTS}
        estimator.tree_ = _rebuild(tree, outputs, own_facts, int(arrays["columns"]))
    return forest


def _rebuild(tree: UnpackedTree, outputs: Matrix, facts: Arrays, columns: int) -> Any:  # Any: a tree
    leaf, width = ~tree.splits, outputs.shape[1]
    nodes: Array = np.zeros(len(leaf), NODE_DTYPE)
    nodes["left_child"], nodes["right_child"] = tree.left, tree.right
    nodes["feature"] = np.where(leaf, NO_FEATURE, spread(tree.features, tree.splits, np.int64))
    nodes["threshold"] = np.where(leaf, NO_THRESHOLD, spread(tree.thresholds, tree.splits, np.float64))
    for name in LEAF_FACTS:
        nodes[name][leaf] = facts[name]
    values = np.zeros((len(leaf), width))
    values[leaf] = outputs[tree.leaves]
    levels = _levels(tree)
    for level in reversed(levels):
        _fill_parents(nodes, values, level)
    rebuilt = Tree(columns, np.array([width], np.intp), 1)
    state = {"max_depth": len(levels), "node_count": len(leaf), "nodes": nodes, "values": values[:, None]}
    rebuilt.__setstate__(state)
    return rebuilt


def _levels(tree: UnpackedTree) -> list[Nodes]:
    """The nodes with a split, by depth."""
    levels: list[Nodes] = []
    nodes = np.zeros(1, np.int64)
    while len(nodes := nodes[tree.splits[nodes]]):
        levels.append(nodes)
        nodes = np.concatenate([nodes + 1, tree.right[nodes]])
    return levels


def _fill_parents(nodes: Array, values: Matrix, parents: Nodes) -> None:
    """Compute the facts of nodes from those of their children."""
    children = nodes["left_child"][parents], nodes["right_child"][parents]
    for name in ("n_node_samples", "weighted_n_node_samples"):
        nodes[name][parents] = sum(nodes[name][child] for child in children)
    shares = [
        nodes["weighted_n_node_samples"][child] / nodes["weighted_n_node_samples"][parents]
        for child in children
    ]
    values[parents] = sum(
        share[:, None] * values[child] for share, child in zip(shares, children, strict=True)
    )
    if values.shape[1] > 1:
        nodes["impurity"][parents] = 1 - (values[parents] ** 2).sum(axis=1)  # Gini's
        return
    # The variance within the children, and between them.
    nodes["impurity"][parents] = sum(
        share * (nodes["impurity"][child] + (values[child] - values[parents])[:, 0] ** 2)
        for share, child in zip(shares, children, strict=True)
    )
