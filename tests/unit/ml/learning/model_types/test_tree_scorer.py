"""Scores of compiled trees, equal to those of treelite's wrapper."""

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

from ml_service.learning.model_types.compilation import pack_trees
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.model_types.tree_scorer import TreeScorer

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
        TreeScorer(pack_trees(estimator), margins=margins),
        treelite.sklearn.import_model(estimator),
    )
    for rows in (ROWS, ROWS[:1], ROWS[::2], np.asfortranarray(ROWS)):
        expected = treelite.gtil.predict(trees, rows, nthread=1, pred_margin=margins)
        assert np.array_equal(scorer(rows), expected.reshape(len(rows), -1))


def test_no_rows_have_no_scores() -> None:
    assert len(TreeScorer(pack_trees(ESTIMATORS["forest of values"]))(ROWS[:0])) == 0


def test_rows_of_another_width_are_refused() -> None:
    """The library would read beyond their end."""
    with pytest.raises(ValueError, match="5 columns instead of 6"):
        TreeScorer(pack_trees(ESTIMATORS["forest of values"]))(ROWS[:, :5])
