"""Cache of predictors: loads once, evicts by number and size."""

import asyncio
import threading
from typing import cast

import pytest

from ml_service.learning.predictors import Predictor
from ml_service.models.model_cache import ModelCache
from ml_service.models.repository import StoredModel


class RecordingLoader:
    """Records the loaded models and returns a new predictor for each, once `go` is set."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, model: StoredModel) -> Predictor:
        self.go.wait(5)
        self.loaded.append(model.id)
        return cast("Predictor", object())  # the cache never uses it


def stored(model_id: int, size: int = 1) -> StoredModel:
    return StoredModel(model_id, f"1_{model_id}", f"{model_id}", {}, size)


async def test_twenty_concurrent_requests_load_once() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    requests = [asyncio.create_task(models.get(stored(1))) for _ in range(20)]
    await asyncio.sleep(0)
    loader.go.set()
    assert len(set(map(id, await asyncio.gather(*requests)))) == 1
    assert loader.loaded == [1]


async def test_least_recently_used_model_is_evicted_first() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 2, 100)
    for model_id in (1, 2, 1, 3, 1, 2):
        await models.get(stored(model_id))
    assert loader.loaded == [1, 2, 3, 2]


async def test_large_models_are_evicted_by_size() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 10, 100)
    for model_id in (1, 2, 1, 2):
        await models.get(stored(model_id, size=60))
    assert loader.loaded == [1, 2, 1, 2]


async def test_forgotten_model_is_loaded_again() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 10, 100)
    await models.get(stored(1))
    models.forget(1)
    await models.get(stored(1))
    assert loader.loaded == [1, 1]


async def test_model_deleted_while_it_loads_is_not_cached() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    requests = asyncio.create_task(models.get(stored(1)))
    await asyncio.sleep(0)
    models.forget(1)
    loader.go.set()
    await requests
    await models.get(stored(1))
    assert loader.loaded == [1, 1]


async def test_failed_load_is_repeated() -> None:
    failures = [FileNotFoundError()]

    def load(_model: StoredModel) -> Predictor:
        if failures:
            raise failures.pop()
        return cast("Predictor", object())  # as above

    models = ModelCache(load, 10, 100)
    with pytest.raises(FileNotFoundError):
        await models.get(stored(1))
    assert await models.get(stored(1)) is not None


async def test_cancelled_request_does_not_cancel_the_load_of_others() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    cancelled, other = (asyncio.create_task(models.get(stored(1))) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    loader.go.set()
    assert await other is not None


async def test_model_above_size_limit_is_cached_alone() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 10, 100)
    for model_id, size in ((1, 1), (2, 500), (2, 500), (1, 1)):
        await models.get(stored(model_id, size))
    assert loader.loaded == [1, 2, 1]
