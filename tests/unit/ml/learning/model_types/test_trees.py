"""Treelite models: of packed forests, and serialized as arrays."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest
import treelite
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor

from ml_service.learning.model_types.compilation import (
    Trees,
    build_forest,
    forest_bytes,
    pack_trees,
    unpack_trees,
)
from ml_service.learning.model_types.forest_arrays import ForestPacker
from ml_service.learning.model_types.protocol import Arrays
from ml_service.learning.model_types.treelite_library import set_field

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(300, 4)).astype(np.float32).astype(np.float64)
VALUES = GENERATOR.normal(size=300)
FORESTS = {
    "values": RandomForestRegressor(7, random_state=0).fit(ROWS, VALUES),
    "two classes": RandomForestClassifier(7, random_state=0).fit(ROWS, VALUES > 0),
    "classes": RandomForestClassifier(7, random_state=0, min_samples_leaf=4).fit(ROWS, VALUES.round()),
    "one tree": RandomForestRegressor(1, random_state=0).fit(ROWS, VALUES),
    "leaves": RandomForestRegressor(3, random_state=0).fit(ROWS, np.ones(300)),
}


def pack(forest: Any) -> Arrays:  # Any: a random forest
    packer = ForestPacker(ROWS.shape[1])
    for estimator in forest.estimators_:
        packer.add(estimator.tree_)
    return packer.join()[0]


def scores(trees: Trees) -> np.ndarray:
    return treelite.gtil.predict(trees.model, ROWS).reshape(len(ROWS), -1)


@pytest.mark.parametrize("forest", FORESTS.values(), ids=FORESTS.keys())
def test_model_of_packed_forest_predicts_as_that_of_treelite(forest: Any) -> None:
    expected = scores(Trees(treelite.sklearn.import_model(forest)))
    assert scores(build_forest(pack(forest)).whole) == pytest.approx(expected, rel=1e-12)


def test_single_trees_predict_as_those_of_the_forest() -> None:
    forest = FORESTS["classes"]
    for tree, estimator in zip(build_forest(pack(forest)).single, forest.estimators_, strict=True):
        assert np.array_equal(scores(tree), estimator.predict_proba(ROWS))


def test_arrays_of_a_model_end_with_it() -> None:
    """A model is loaded each time that it returns to the cache."""
    forest = build_forest(pack(FORESTS["values"]))
    thresholds = [weakref.ref(fields["threshold"]) for fields in forest.whole.fields]
    assert all(reference() is not None for reference in thresholds)
    del forest
    gc.collect()
    assert all(reference() is None for reference in thresholds)


def test_field_of_every_other_number_is_refused() -> None:
    """The library would read the numbers between them."""
    model = build_forest(pack(FORESTS["values"])).whole.model
    with pytest.raises(ValueError, match="no contiguous array"):
        set_field(model, 0, "threshold", np.zeros(100)[::2])


@pytest.mark.parametrize("name", ["values", "classes"])
def test_memory_of_a_model_is_that_of_its_fields(name: str) -> None:
    arrays = pack(FORESTS[name])
    own = {id(values): values for fields in build_forest(arrays).whole.fields for values in fields.values()}
    owned = sum(values.nbytes for values in own.values() if values.base is None)
    nodes, (outputs, width) = int(arrays["nodes"].sum()), arrays["outputs"].shape
    assert forest_bytes(nodes, 0, width) == pytest.approx(owned, rel=0.15)
    assert forest_bytes(0, outputs, width) == arrays["outputs"].nbytes


def test_unpacked_trees_predict_like_the_estimator() -> None:
    boosting = GradientBoostingRegressor(n_estimators=5, random_state=0).fit(ROWS, VALUES)
    assert scores(unpack_trees(pack_trees(boosting))).reshape(-1) == pytest.approx(boosting.predict(ROWS))
