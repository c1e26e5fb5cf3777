"""Loaded models: the most recently used ones, within a bound of memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ml_service.learning.predictors import Predictor
from ml_service.models.repository import StoredModel

Load = Callable[[StoredModel], Predictor]


@dataclass(frozen=True, slots=True)
class Bounds:
    models: int
    size_bytes: int


class ModelRegistry:
    """Whether a model still exists and whose it is, is the database's to say; this only saves loading."""

    def __init__(self, load: Load, bounds: Bounds) -> None:
        self._load, self._bounds = load, bounds
        self._loaded: OrderedDict[int, tuple[Predictor, int]] = OrderedDict()
        self._loading: dict[int, asyncio.Task[Predictor]] = {}
        self._size = 0

    async def get(self, model: StoredModel) -> Predictor:
        """Raises what loading raises. Requests that meet over a model that is not loaded load it once."""
        known = self._loaded.get(model.id)
        if known is not None:
            self._loaded.move_to_end(model.id)
            return known[0]
        loading = self._loading.get(model.id)
        if loading is None:
            loading = asyncio.create_task(self._load_and_keep(model))
            self._loading[model.id] = loading
            loading.add_done_callback(lambda _: self._loading.pop(model.id, None))
        # One caller that goes away must not take the others' model with it.
        return await asyncio.shield(loading)

    def forget(self, model_id: int) -> None:
        _, size = self._loaded.pop(model_id, (None, 0))
        self._size -= size
        self._loading.pop(model_id, None)

    async def _load_and_keep(self, model: StoredModel) -> Predictor:
        predictor = await asyncio.to_thread(self._load, model)
        if model.id in self._loading:  # else it was deleted meanwhile
            self._loaded[model.id] = (predictor, model.size_bytes)
            self._size += model.size_bytes
            self._make_room()
        return predictor

    def _make_room(self) -> None:
        while len(self._loaded) > 1 and (
            len(self._loaded) > self._bounds.models or self._size > self._bounds.size_bytes
        ):
            self.forget(next(iter(self._loaded)))
