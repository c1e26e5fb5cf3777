"""Forests that are fitted in blocks: the same as scikit-learn's, in less memory, and restored for exports."""

import io
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from tests.support.peak_memory import peak_resident

from kit.identity import UserId
from ml_service.learning.model_types import forest_estimators
from ml_service.learning.model_types.compilation import forest_bytes
from ml_service.learning.model_types.forest_estimators import (
    BlockwiseClassifier,
    BlockwiseRegressor,
    with_trees,
    without_trees,
)
from ml_service.store.process_pool import ProcessPool

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(900, 6))
VALUES = ROWS[:, 0] + GENERATOR.normal(size=900)
CODES = (3 + VALUES).clip(0, 5).astype(int)
PARAMETERS: dict[str, Any] = {"n_estimators": 11, "min_samples_leaf": 2, "random_state": 3}


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_estimators, "BLOCK_BYTES", 200_000)


def regressors() -> tuple[Any, Any]:
    forests = BlockwiseRegressor(**PARAMETERS), RandomForestRegressor(**PARAMETERS)
    return forests[0].fit(ROWS, VALUES), forests[1].fit(ROWS, VALUES)


def classifiers() -> tuple[Any, Any]:
    forests = BlockwiseClassifier(**PARAMETERS), RandomForestClassifier(**PARAMETERS)
    return forests[0].fit(ROWS, CODES), forests[1].fit(ROWS, CODES)


def restored(forest: Any) -> Any:  # Any: a forest
    """The forest after it was pickled without its trees."""
    file = io.BytesIO()
    joblib.dump(without_trees(forest), file)
    file.seek(0)
    return with_trees(joblib.load(file), forest.arrays)


def test_forest_of_values_predicts_as_that_of_scikit_learn() -> None:
    own, theirs = regressors()
    assert own.predict(ROWS) == pytest.approx(theirs.predict(ROWS), rel=1e-12)
    assert own.score(ROWS, VALUES) == pytest.approx(theirs.score(ROWS, VALUES))


def test_forest_of_classes_predicts_as_that_of_scikit_learn() -> None:
    own, theirs = classifiers()
    assert own.predict_proba(ROWS) == pytest.approx(theirs.predict_proba(ROWS), rel=1e-12)
    assert own.predict(ROWS).tolist() == theirs.predict(ROWS).tolist()


@pytest.mark.parametrize("fit", [regressors, classifiers])
def test_restored_forest_is_that_of_scikit_learn(fit: Any) -> None:
    own, theirs = fit()
    forest = restored(own)
    assert (type(forest), forest.get_params()) == (type(theirs), theirs.get_params())
    assert np.array_equal(forest.predict(ROWS), theirs.predict(ROWS))
    assert forest.feature_importances_ == pytest.approx(theirs.feature_importances_, rel=1e-6)
    for one, other in zip(forest.estimators_, theirs.estimators_, strict=True):
        assert one.tree_.max_depth == other.tree_.max_depth
        for name in ("n_node_samples", "weighted_n_node_samples", "children_right", "feature"):
            assert np.array_equal(getattr(one.tree_, name), getattr(other.tree_, name))
        for name in ("value", "impurity", "threshold"):
            assert getattr(one.tree_, name) == pytest.approx(getattr(other.tree_, name), rel=1e-6, abs=1e-6)


def test_pickled_forest_is_small() -> None:
    own, theirs = regressors()
    sizes = [io.BytesIO(), io.BytesIO()]
    joblib.dump(without_trees(own), sizes[0])
    joblib.dump(theirs, sizes[1])
    assert len(sizes[0].getvalue()) < len(sizes[1].getvalue()) / 5


def test_fit_stops_after_the_first_block_of_a_forest_that_is_too_large() -> None:
    class TooLarge(Exception):
        pass

    estimates: list[int] = []

    def refuse(estimate: int) -> None:
        estimates.append(estimate)
        raise TooLarge

    whole, _ = regressors()
    forest = BlockwiseRegressor(**PARAMETERS)
    forest.check_bytes = refuse
    with pytest.raises(TooLarge):
        forest.fit(ROWS, VALUES)
    nodes, outputs = int(whole.arrays["nodes"].sum()), len(whole.arrays["outputs"])
    assert estimates == [pytest.approx(forest_bytes(nodes, outputs, 1), rel=0.3)]
    assert len(forest.estimators_) < PARAMETERS["n_estimators"]


def test_fitted_forest_is_fitted_anew() -> None:
    forest, _ = regressors()
    assert len(forest.fit(ROWS, -VALUES).estimators_) == PARAMETERS["n_estimators"]
    assert forest.predict(ROWS) == pytest.approx(
        BlockwiseRegressor(**PARAMETERS).fit(ROWS, -VALUES).predict(ROWS)
    )


def growth_of_many_classes() -> int:
    """Growth of the process by a forest of 40 classes, which takes 390 MB in scikit-learn."""
    forest_class: Any = BlockwiseClassifier
    generator = np.random.default_rng(0)
    rows, codes = generator.normal(size=(20_000, 4)), generator.integers(0, 40, 20_000)
    forest_class(2, random_state=0).fit(rows[:500], codes[:500])
    before = peak_resident()
    forest_class(60, random_state=0).fit(rows, codes)
    return peak_resident() - before


@pytest.mark.slow
async def test_forest_of_many_classes_is_fitted_in_bounded_memory() -> None:
    assert await ProcessPool(1).run(growth_of_many_classes, user=UserId(1)) < 200_000_000
