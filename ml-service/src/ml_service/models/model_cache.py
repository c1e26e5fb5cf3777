"""Cache of loaded models: the most recently used ones, within a bound of memory."""

import asyncio
from collections.abc import Callable

from cachetools import LRUCache

from kit.background import SingleFlight
from ml_service.learning.predictors import Predictor
from ml_service.models.repository import StoredModel

Load = Callable[[StoredModel], Predictor]


class ModelCache:
    """A cache that only saves loading: the database decides whether a model exists and who owns it.

    Requests that meet over a model that is not loaded load it once.
    """

    def __init__(self, load: Load, max_models: int, max_bytes: int) -> None:
        self._load, self._max_models, self._max_bytes = load, max_models, max_bytes
        self._cache: LRUCache[int, tuple[Predictor, int]] = LRUCache(max_bytes, getsizeof=_size_of)
        self._loading = SingleFlight[int, Predictor]()

    async def get(self, model: StoredModel) -> Predictor:
        """The model's predictor; raises what loading raises."""
        known = self._cache.get(model.id)
        if known is not None:
            return known[0]
        return await self._loading.run(model.id, lambda: self._load_and_cache(model))

    def forget(self, model_id: int) -> None:
        """Drop a deleted model, also one that is being loaded."""
        self._cache.pop(model_id, None)
        self._loading.forget(model_id)

    async def _load_and_cache(self, model: StoredModel) -> Predictor:
        predictor = await asyncio.to_thread(self._load, model)
        if self._loading.is_running(model.id):  # else it was deleted meanwhile
            # A model over the whole bound is cached alone, or each of its predictions would load it again.
            self._cache[model.id] = predictor, min(model.size_bytes, self._max_bytes)
            while len(self._cache) > self._max_models:
                self._cache.popitem()
        return predictor


def _size_of(cached: tuple[Predictor, int]) -> int:
    return cached[1]
