"""Scores of trees, equal to those of treelite's wrapper, however many rows there are."""

from typing import Any

import numpy as np
import pytest
import treelite
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from ml_service.learning.model_types.compilation import Forest, build_forest, pack_trees, unpack_trees
from ml_service.learning.model_types.forest_estimators import BlockwiseClassifier, BlockwiseRegressor
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.model_types.tree_scorer import ForestScorer, TreeScorer, many_rows

GENERATOR = np.random.default_rng(1)
ROWS: Matrix = GENERATOR.normal(size=(200, 6))
VALUES: Matrix = ROWS[:, 0] + GENERATOR.normal(size=200)
ESTIMATORS = {
    "forest of values": RandomForestRegressor(5, random_state=1).fit(ROWS, VALUES),
    "forest of classes": RandomForestClassifier(5, random_state=1).fit(ROWS, VALUES.round().astype(int)),
    "boosting of values": HistGradientBoostingRegressor(max_iter=5).fit(ROWS, VALUES),
    "boosting of two classes": HistGradientBoostingClassifier(max_iter=5).fit(ROWS, VALUES > 0),
    "boosting of classes": HistGradientBoostingClassifier(max_iter=5).fit(ROWS, VALUES.round().astype(int)),
}


@pytest.mark.parametrize("margins", [False, True])
@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS.keys())
def test_scores_equal_those_of_the_wrapper(estimator: Any, margins: bool) -> None:
    scorer, trees = (
        TreeScorer(unpack_trees(pack_trees(estimator)), margins=margins),
        treelite.sklearn.import_model(estimator),
    )
    for rows in (ROWS, ROWS[:1], ROWS[::2], np.asfortranarray(ROWS)):
        expected = treelite.gtil.predict(trees, rows, nthread=1, pred_margin=margins)
        assert np.array_equal(scorer(rows), expected.reshape(len(rows), -1))


def test_no_rows_have_no_scores() -> None:
    assert len(TreeScorer(unpack_trees(pack_trees(ESTIMATORS["forest of values"])))(ROWS[:0])) == 0


def test_rows_of_another_width_are_refused() -> None:
    """The library would read beyond their end."""
    with pytest.raises(ValueError, match="5 columns instead of 6"):
        TreeScorer(unpack_trees(pack_trees(ESTIMATORS["forest of values"])))(ROWS[:, :5])


@pytest.mark.parametrize("forest", [BlockwiseRegressor, BlockwiseClassifier])
def test_any_number_of_rows_has_the_scores_of_single_ones(forest: Any) -> None:
    rows = GENERATOR.normal(size=(2_000, 6))
    labels = (rows[:, 0] + GENERATOR.normal(size=2_000)).round().astype(int)
    arrays = forest(30, random_state=1).fit(rows, labels).arrays
    score = ForestScorer(build_forest(arrays))
    expected = np.concatenate([score(row[None]) for row in rows])
    threshold = many_rows(int(arrays["nodes"].sum()))
    for count in (1, 10, 100, 499, threshold - 1, threshold, 2_000):
        assert np.array_equal(score(rows[:count]), expected[:count]), count


def test_larger_forests_are_scored_tree_by_tree_from_fewer_rows_on() -> None:
    assert 40 <= many_rows(5_000_000) < many_rows(500_000) < 200 < many_rows(50_000) < 1_000


def test_scorer_keeps_the_arrays_of_its_trees() -> None:
    """Treelite refers to the fields that were set, so memory that is used again would change the scores."""
    arrays = BlockwiseRegressor(50, random_state=1).fit(ROWS, VALUES).arrays
    score = ForestScorer(build_forest(arrays))
    before = score(ROWS)
    sizes = arrays["nodes"].tolist() * 20
    others = [np.full(size, 5, dtype) for size in sizes for dtype in (np.int8, np.int32, np.float64)]
    assert np.array_equal(score(ROWS), before), len(others)


def test_many_rows_are_scored_by_a_forest_without_single_trees() -> None:
    """As models of an older version are."""
    forest = ESTIMATORS["forest of values"]
    scores = ForestScorer(Forest(unpack_trees(pack_trees(forest))))(ROWS)
    assert scores.reshape(-1) == pytest.approx(forest.predict(ROWS))
