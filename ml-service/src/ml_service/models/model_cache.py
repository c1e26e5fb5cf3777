"""Cache of the most recently used predictors, limited by number and memory."""

import asyncio
from collections.abc import Callable

from cachetools import LRUCache

from kit.background import SingleFlight
from ml_service.learning.predictors import Predictor
from ml_service.models.repository import StoredModel

Load = Callable[[StoredModel], Predictor]


class ModelCache:
    """Predictors by model id; the database still decides about existence and ownership of the model.

    Concurrent requests for a model load it once.
    """

    def __init__(self, load: Load, max_models: int, max_bytes: int) -> None:
        self._load, self._max_models, self._max_bytes = load, max_models, max_bytes
        self._cache: LRUCache[int, tuple[Predictor, int]] = LRUCache(max_bytes, getsizeof=_size_of)
        self._loading = SingleFlight[int, Predictor]()

    async def get(self, model: StoredModel) -> Predictor:
        """The model's predictor; raises the errors of `load`."""
        cached = self._cache.get(model.id)
        if cached is not None:
            return cached[0]
        return await self._loading.run(model.id, lambda: self._load_and_cache(model))

    def forget(self, model_id: int) -> None:
        """Evict a deleted model, even while it is being loaded."""
        self._cache.pop(model_id, None)
        self._loading.forget(model_id)

    async def _load_and_cache(self, model: StoredModel) -> Predictor:
        predictor = await asyncio.to_thread(self._load, model)
        if self._loading.is_running(model.id):  # otherwise it was deleted meanwhile
            # A model above the limit is cached alone; otherwise each of its predictions would load it.
            self._cache[model.id] = predictor, min(model.size_bytes, self._max_bytes)
            while len(self._cache) > self._max_models:
                self._cache.popitem()
        return predictor


def _size_of(cached: tuple[Predictor, int]) -> int:
    return cached[1]
