"""Loaded models within their bounds."""

import asyncio
import threading
from typing import cast

import pytest

from ml_service.learning.predictors import Predictor
from ml_service.models.repository import StoredModel
from ml_service.predictions.registry import Bounds, ModelRegistry


class Loading:
    """Counts what it loads; a predictor of its own for each model."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, model: StoredModel) -> Predictor:
        self.go.wait(5)
        self.loaded.append(model.id)
        return cast("Predictor", object())  # the registry never looks inside


def stored(model_id: int, size: int = 1) -> StoredModel:
    return StoredModel(model_id, f"1_{model_id}", f"{model_id}", {}, size)


async def test_twenty_first_requests_load_once() -> None:
    loading = Loading()
    loading.go.clear()
    registry = ModelRegistry(loading, Bounds(10, 100))
    asking = [asyncio.create_task(registry.get(stored(1))) for _ in range(20)]
    await asyncio.sleep(0)
    loading.go.set()
    assert len(set(map(id, await asyncio.gather(*asking)))) == 1
    assert loading.loaded == [1]


async def test_the_least_recently_used_goes_first() -> None:
    loading = Loading()
    registry = ModelRegistry(loading, Bounds(2, 100))
    for model_id in (1, 2, 1, 3, 1, 2):
        await registry.get(stored(model_id))
    assert loading.loaded == [1, 2, 3, 2]


async def test_large_models_make_room_by_size() -> None:
    loading = Loading()
    registry = ModelRegistry(loading, Bounds(10, 100))
    for model_id in (1, 2, 1, 2):
        await registry.get(stored(model_id, size=60))
    assert loading.loaded == [1, 2, 1, 2]


async def test_a_forgotten_model_is_loaded_anew() -> None:
    loading = Loading()
    registry = ModelRegistry(loading, Bounds(10, 100))
    await registry.get(stored(1))
    registry.forget(1)
    await registry.get(stored(1))
    assert loading.loaded == [1, 1]


async def test_a_model_deleted_while_it_loads_is_not_kept() -> None:
    loading = Loading()
    loading.go.clear()
    registry = ModelRegistry(loading, Bounds(10, 100))
    asking = asyncio.create_task(registry.get(stored(1)))
    await asyncio.sleep(0)
    registry.forget(1)
    loading.go.set()
    await asking
    await registry.get(stored(1))
    assert loading.loaded == [1, 1]


async def test_a_load_that_failed_is_tried_again() -> None:
    failures = [FileNotFoundError()]

    def load(_model: StoredModel) -> Predictor:
        if failures:
            raise failures.pop()
        return cast("Predictor", object())  # as above

    registry = ModelRegistry(load, Bounds(10, 100))
    with pytest.raises(FileNotFoundError):
        await registry.get(stored(1))
    assert await registry.get(stored(1)) is not None


async def test_one_caller_that_goes_away_leaves_the_others_their_model() -> None:
    loading = Loading()
    loading.go.clear()
    registry = ModelRegistry(loading, Bounds(10, 100))
    leaving, staying = (asyncio.create_task(registry.get(stored(1))) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    loading.go.set()
    assert await staying is not None
