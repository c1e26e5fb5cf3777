"""Serialization of trees as arrays."""

import os
from typing import Any

import numpy as np
import pytest
import treelite
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from tests.support.peak_memory import peak_resident

from kit.identity import UserId
from ml_service.learning.model_types import compilation
from ml_service.learning.model_types.compilation import pack_forest, pack_trees, unpack_trees
from ml_service.store.process_pool import ProcessPool

pytestmark = pytest.mark.slow


def fit_forest(trees: int, rows: int) -> tuple[RandomForestRegressor, np.ndarray]:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(rows, 4))
    return RandomForestRegressor(trees, random_state=0).fit(features, generator.normal(size=rows)), features


def relative_memory_growth() -> float:
    """Growth of the process as a multiple of the packed forest."""
    forest, _ = fit_forest(100, 4_000)
    treelite.sklearn.import_model(fit_forest(1, 10)[0])
    before = peak_resident()
    with pack_forest(forest).file as file:
        return (peak_resident() - before) / file.seek(0, os.SEEK_END)


def packed(forest: Any) -> np.ndarray:  # Any: a random forest
    with pack_forest(forest).file as file:
        file.seek(0)
        return np.frombuffer(file.read(), np.uint8)


def test_unpacked_trees_predict_like_the_estimator() -> None:
    forest, features = fit_forest(3, 50)
    rounded = features.astype(np.float32).astype(np.float64)
    predicted = treelite.gtil.predict(unpack_trees(packed(forest)), rounded).reshape(-1)
    assert predicted == pytest.approx(forest.predict(features))


@pytest.mark.parametrize("classes", [2, 3])
def test_unpacked_trees_of_classes_predict_like_the_estimator(classes: int) -> None:
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(60, 4)), np.arange(60) % classes
    forest = RandomForestClassifier(7, random_state=0).fit(features, labels)
    rounded = features.astype(np.float32).astype(np.float64)
    predicted = treelite.gtil.predict(unpack_trees(packed(forest)), rounded).reshape(60, classes)
    assert predicted == pytest.approx(forest.predict_proba(features))


def test_forest_is_packed_as_by_treelite_without_facts_about_training_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forest, _ = fit_forest(5, 50)
    assert len(packed(forest)) < 0.75 * len(pack_trees(forest))
    monkeypatch.setattr(compilation, "UNUSED_FIELDS", ())
    assert packed(forest).tobytes() == pack_trees(forest).tobytes()


async def test_large_forest_is_packed_in_bounded_memory() -> None:
    assert await ProcessPool(1).run(relative_memory_growth, user=UserId(1)) < 0.25
