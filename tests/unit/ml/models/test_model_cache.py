"""Cache of predictors: loads once, evicts by number and size."""

import asyncio
import threading
from types import SimpleNamespace
from typing import cast

import pytest

from kit.identity import UserId
from ml_service.errors import LoadLimitReached, ModelExceedsLimit
from ml_service.learning.predictors import Predictor
from ml_service.models.model_cache import LoadBudget, ModelCache
from ml_service.models.repository import StoredModel

ADA, BOB, CARL, DORA = map(UserId, (1, 2, 3, 4))


class RecordingLoader:
    """Records the loaded models and returns a new predictor for each, once `go` is set."""

    def __init__(self) -> None:
        self.loaded: list[int] = []
        self.memory_bytes, self.started = 1, 0
        self.two_started = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, model: StoredModel) -> Predictor:
        self.started += 1
        if self.started == 2:
            self.two_started.set()
        self.go.wait(5)
        self.loaded.append(model.id)
        return cast("Predictor", SimpleNamespace(memory_bytes=self.memory_bytes))


def stored(model_id: int, size: int = 1) -> StoredModel:
    return StoredModel(model_id, f"1_{model_id}", f"{model_id}", {}, size)


@pytest.fixture
def loader() -> RecordingLoader:
    return RecordingLoader()


async def test_twenty_concurrent_requests_load_once() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    requests = [asyncio.create_task(models.get(ADA, stored(1))) for _ in range(20)]
    await asyncio.sleep(0)
    loader.go.set()
    assert len(set(map(id, await asyncio.gather(*requests)))) == 1
    assert loader.loaded == [1]


async def test_least_recently_used_model_is_evicted_first() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 2, 100)
    for model_id in (1, 2, 1, 3, 1, 2):
        await models.get(ADA, stored(model_id))
    assert loader.loaded == [1, 2, 3, 2]


async def test_large_models_are_evicted_by_size() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 10, 100)
    for user, model_id in ((ADA, 1), (BOB, 2), (CARL, 1), (DORA, 2)):
        await models.get(user, stored(model_id, size=60))
    assert loader.loaded == [1, 2, 1, 2]


async def test_forgotten_model_is_loaded_again() -> None:
    loader = RecordingLoader()
    models = ModelCache(loader, 10, 100)
    await models.get(ADA, stored(1))
    models.forget(1)
    await models.get(ADA, stored(1))
    assert loader.loaded == [1, 1]


async def test_model_deleted_while_it_loads_is_not_cached() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    requests = asyncio.create_task(models.get(ADA, stored(1)))
    await asyncio.sleep(0)
    models.forget(1)
    loader.go.set()
    await requests
    await models.get(ADA, stored(1))
    assert loader.loaded == [1, 1]


async def test_failed_load_is_repeated() -> None:
    failures = [FileNotFoundError()]

    def load(_model: StoredModel) -> Predictor:
        if failures:
            raise failures.pop()
        return cast("Predictor", SimpleNamespace(memory_bytes=1))

    models = ModelCache(load, 10, 100)
    with pytest.raises(FileNotFoundError):
        await models.get(ADA, stored(1))
    assert await models.get(ADA, stored(1)) is not None


async def test_cancelled_request_does_not_cancel_the_load_of_others() -> None:
    loader = RecordingLoader()
    loader.go.clear()
    models = ModelCache(loader, 10, 100)
    cancelled, other = (asyncio.create_task(models.get(ADA, stored(1))) for _ in range(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    loader.go.set()
    assert await other is not None


@pytest.mark.parametrize(("stored_bytes", "memory_bytes"), [(101, 1), (1, 101)])
async def test_model_above_the_limit_is_refused(stored_bytes: int, memory_bytes: int) -> None:
    loader = RecordingLoader()
    loader.memory_bytes = memory_bytes
    models = ModelCache(loader, 10, 100)
    with pytest.raises(ModelExceedsLimit):
        await models.get(ADA, stored(1, stored_bytes))
    assert models.find(1) is None


async def test_memory_of_models_counts(loader: RecordingLoader) -> None:
    loader.memory_bytes = 60
    models = ModelCache(loader, 10, 100)
    for model_id in (1, 2):
        await models.get(ADA, stored(model_id))
    assert (models.find(1), models.find(2) is not None) == (None, True)


async def test_alternation_between_large_models_is_limited_per_user(loader: RecordingLoader) -> None:
    models = ModelCache(loader, 10, 100)
    await models.get(ADA, stored(1, 60))
    for _ in range(10):
        with pytest.raises(LoadLimitReached) as refusal:
            await models.get(ADA, stored(2, 60))
        assert 0 < int(refusal.value.headers["Retry-After"]) <= 60
    assert len(loader.loaded) == 1
    await models.get(BOB, stored(3, 60))
    assert loader.loaded == [1, 3]


async def test_small_models_are_not_limited(loader: RecordingLoader) -> None:
    models = ModelCache(loader, 1, 1000)
    for model_id in (1, 2) * 100:
        await models.get(ADA, stored(model_id, 1))
    assert len(loader.loaded) == 200


def test_load_budget_is_filled_within_a_minute() -> None:
    budget = LoadBudget(100, 0.0)
    budget.spend(80, 100, 0.0)
    with pytest.raises(LoadLimitReached):
        budget.spend(70, 100, 29.0)
    budget.spend(70, 100, 31.0)
    budget.spend(100, 100, 600.0)
    with pytest.raises(LoadLimitReached):
        budget.spend(1, 100, 600.0)


async def test_at_most_two_models_load_at_once(loader: RecordingLoader) -> None:
    loader.go.clear()
    models = ModelCache(loader, 10, 1000)
    requests = [asyncio.create_task(models.get(ADA, stored(model_id))) for model_id in range(5)]
    await asyncio.to_thread(loader.two_started.wait, 5)
    await asyncio.sleep(0.05)
    assert loader.started == 2
    loader.go.set()
    await asyncio.gather(*requests)
    assert sorted(loader.loaded) == [0, 1, 2, 3, 4]
