"""Compact arrays of forests: they decide as scikit-learn's trees, and are small."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from ml_service.learning.model_types.forest_arrays import NO_CHILD, ForestPacker, unpack
from ml_service.learning.model_types.protocol import Arrays

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(2_000, 5))
VALUES = GENERATOR.normal(size=2_000)
FOREST: Any = RandomForestRegressor(5, random_state=0).fit(ROWS, VALUES)


def pack(forest: Any) -> tuple[Arrays, Arrays]:  # Any: a random forest
    packer = ForestPacker(forest.n_features_in_)
    for estimator in forest.estimators_:
        packer.add(estimator.tree_)
    return packer.join()


def test_unpacked_trees_are_those_of_scikit_learn() -> None:
    arrays, facts = pack(FOREST)
    trees, end = list(unpack(arrays)), 0
    for estimator, tree in zip(FOREST.estimators_, trees, strict=True):
        expected, leaf = estimator.tree_, ~tree.splits
        start, end = end, end + int(leaf.sum())
        assert np.array_equal(tree.left, expected.children_left)
        assert np.array_equal(tree.right, expected.children_right)
        assert np.array_equal(tree.features, expected.feature[tree.splits])
        assert np.array_equal(arrays["outputs"][tree.leaves, 0], expected.value[leaf, 0, 0])
        assert np.array_equal(facts["n_node_samples"][start:end], expected.n_node_samples[leaf])
        assert facts["impurity"][start:end] == pytest.approx(expected.impurity[leaf], rel=1e-6, abs=1e-9)


def test_rounded_thresholds_decide_all_numbers_of_single_precision_alike() -> None:
    """Also the two numbers next to a threshold, one of which a rounded one equals."""
    for estimator, tree in zip(FOREST.estimators_, unpack(pack(FOREST)[0]), strict=True):
        exact = estimator.tree_.threshold[tree.splits]
        nearest = exact.astype(np.float32)
        for row in (np.nextafter(nearest, np.float32(-9)), nearest, np.nextafter(nearest, np.float32(9))):
            assert np.array_equal(row <= tree.thresholds, row.astype(np.float64) <= exact)


@pytest.mark.parametrize("classes", [2, 20])
def test_a_node_takes_few_bytes(classes: int) -> None:
    """Distinct labels are the worst case of a regression; classes have few distinct outputs."""
    forest = RandomForestClassifier(5, random_state=0).fit(ROWS, np.arange(2_000) % classes)
    for fitted, most in ((FOREST, 6), (forest, 4)):
        arrays, _ = pack(fitted)
        assert sum(array.nbytes for array in arrays.values()) < most * arrays["nodes"].sum()


def test_single_leaf_is_a_tree() -> None:
    arrays, _ = pack(RandomForestRegressor(2, random_state=0).fit(ROWS, np.full(2_000, 3.5)))
    for tree in unpack(arrays):
        assert (tree.right.tolist(), arrays["outputs"][tree.leaves].tolist()) == ([NO_CHILD], [[3.5]])


def test_deep_tree_of_a_chain_is_unpacked() -> None:
    """A chain of splits is deeper than the smallest type for depths."""
    rows = np.arange(40_000.0)[:, None]
    chain: Any = DecisionTreeRegressor().fit(rows, 2.0 ** -np.arange(40_000))
    packer = ForestPacker(1)
    packer.add(chain.tree_)
    (tree,) = unpack(packer.join()[0])
    assert np.array_equal(tree.right, chain.tree_.children_right)


def test_tree_in_another_order_is_refused() -> None:
    """With a limit of leaves, scikit-learn builds the best split first."""
    estimator: Any = DecisionTreeRegressor(max_leaf_nodes=40, random_state=0).fit(ROWS, VALUES)
    with pytest.raises(ValueError, match="another order"):
        ForestPacker(5).add(estimator.tree_)
