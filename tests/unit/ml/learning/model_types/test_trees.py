"""Serialization of trees as arrays."""

import resource

import numpy as np
import pytest
import treelite
from sklearn.ensemble import RandomForestRegressor

from ml_service.learning.model_types.compilation import pack_trees, unpack_trees
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow


def fit_forest(trees: int, rows: int) -> tuple[RandomForestRegressor, np.ndarray]:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(rows, 4))
    return RandomForestRegressor(trees, random_state=0).fit(features, generator.normal(size=rows)), features


def relative_memory_growth() -> float:
    """Growth of the process as a multiple of the packed trees, without treelite's copy of the forest."""
    forest, _ = fit_forest(100, 4_000)
    treelite.sklearn.import_model(forest)
    before = _most_resident()
    packed = pack_trees(forest)
    unpack_trees(packed)
    return (_most_resident() - before) / packed.nbytes


def _most_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_unpacked_trees_predict_like_the_estimator() -> None:
    forest, features = fit_forest(3, 50)
    rounded = features.astype(np.float32).astype(np.float64)
    predicted = treelite.gtil.predict(unpack_trees(pack_trees(forest)), rounded).reshape(-1)
    assert predicted == pytest.approx(forest.predict(features))


async def test_large_forest_is_packed_in_bounded_memory() -> None:
    assert await ProcessPool(1).run(relative_memory_growth) < 2.5
