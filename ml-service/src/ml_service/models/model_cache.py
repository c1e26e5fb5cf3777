"""Caches of the prediction path: looked-up models, and loaded predictors."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cachetools import LRUCache

from kit.background import SingleFlight
from kit.database import Database
from kit.identity import UserId
from ml_service.errors import LoadLimitReached, ModelExceedsLimit
from ml_service.learning.predictors import Predictor
from ml_service.models.repository import ModelRepository, StoredModel
from ml_service.models.rules import is_model_name

# The channel on which a trigger of ml.models notifies, with the owner's id.
CHANNEL = "ml_models"
CACHED_USERS = 10_000
CACHED_MODELS_PER_USER = 1000
# A load needs up to twice the memory of its model.
LOADS_AT_ONCE = 2
# A user may fill the cache once in this time, so that nobody makes it load and evict for ever.
BUDGET_SECONDS = 60.0

Load = Callable[[StoredModel], Predictor]


@dataclass(slots=True)
class UserModels:
    """Models of one user by name, and the names of the newest by type."""

    by_name: dict[str, StoredModel] = field(default_factory=dict[str, StoredModel])
    newest: dict[str, str] = field(default_factory=dict[str, str])


class ModelLookup:
    """Models by owner and name, cached until one of the owner's models changes.

    While `is_notified` is false, changes by other replicas are not reported, so the database decides.
    """

    def __init__(self, database: Database, is_notified: Callable[[], bool]) -> None:
        self._database, self._is_notified = database, is_notified
        self._users = LRUCache[UserId, UserModels](CACHED_USERS)

    async def find_stored(self, user_id: UserId, name: str) -> StoredModel | None:
        cached = self._cached(user_id)
        model = cached.by_name.get(name)
        if model is None and is_model_name(name):
            async with self._database.read() as session:
                model = await ModelRepository(session).find_stored(user_id, name)
            if model is not None:
                cached.by_name[name] = model
        return model

    async def find_newest(self, user_id: UserId, model_type: str) -> str | None:
        """The name of the user's newest model of a type."""
        cached = self._cached(user_id)
        name = cached.newest.get(model_type)
        if name is None:
            async with self._database.read() as session:
                name = await ModelRepository(session).find_newest_name(user_id, model_type)
            if name is not None:
                cached.newest[model_type] = name
        return name

    def is_cached(self, user_id: UserId, name: str) -> bool:
        """True if the next lookup needs no query."""
        return name in self._cached(user_id).by_name

    def forget(self, user_id: UserId) -> None:
        """Look up the user's models anew; also those that a running query is about to return."""
        self._users.pop(user_id, None)

    def receive(self, payload: str) -> None:
        """Forget the models of the user in a notification."""
        self.forget(UserId(int(payload)))

    def clear(self) -> None:
        """Forget all models, since notifications may have been lost."""
        self._users.clear()

    def _cached(self, user_id: UserId) -> UserModels:
        """The cached models of a user, or an object that is not cached.

        A query adds its result to this object. After a change in between the object is no longer the cached
        one, so that the outdated result is lost with it.
        """
        cached = self._users.get(user_id) if self._is_notified() else UserModels()
        if cached is None or len(cached.by_name) >= CACHED_MODELS_PER_USER:
            cached = self._users[user_id] = UserModels()
        return cached


@dataclass(slots=True)
class LoadBudget:
    """A token bucket of bytes: `left` at the time `since`."""

    left: float
    since: float

    def spend(self, size: int, capacity: int, now: float) -> None:
        """Raises LoadLimitReached."""
        rate = capacity / BUDGET_SECONDS
        self.left, self.since = min(capacity, self.left + (now - self.since) * rate), now
        if size > self.left:
            raise LoadLimitReached(int((size - self.left) / rate) + 1)
        self.left -= size


class ModelCache:
    """Predictors by model id; the database still decides about existence and ownership of the model.

    Concurrent requests for a model load it once. The cache holds at most `max_bytes`, and no larger model.
    """

    def __init__(self, load: Load, max_models: int, max_bytes: int) -> None:
        self._load, self._max_models, self._max_bytes = load, max_models, max_bytes
        self._cache: LRUCache[int, tuple[Predictor, int]] = LRUCache(max_bytes, getsizeof=_size_of)
        self._loading = SingleFlight[int, Predictor]()
        self._budgets = LRUCache[UserId, LoadBudget](CACHED_USERS)
        # Threads of their own: a slow load delays no upload.
        self._threads = ThreadPoolExecutor(LOADS_AT_ONCE, "model-loads")

    def find(self, model_id: int) -> Predictor | None:
        cached = self._cache.get(model_id)
        return cached[0] if cached is not None else None

    async def get(self, user_id: UserId, model: StoredModel) -> Predictor:
        """The model's predictor; raises ModelExceedsLimit, LoadLimitReached, and the errors of `load`."""
        cached = self.find(model.id)
        if cached is not None:
            return cached
        if not self._loading.is_running(model.id):
            self._require_loadable(user_id, model.loaded_bytes)
        return await self._loading.run(model.id, lambda: self._load_and_cache(model))

    def forget(self, model_id: int) -> None:
        """Evict a deleted model, even while it is being loaded."""
        self._cache.pop(model_id, None)
        self._loading.forget(model_id)

    def _require_loadable(self, user_id: UserId, size: int) -> None:
        if size > self._max_bytes:
            raise ModelExceedsLimit(size, self._max_bytes)
        now = time.monotonic()
        budget = self._budgets.setdefault(user_id, LoadBudget(self._max_bytes, now))
        budget.spend(size, self._max_bytes, now)

    async def _load_and_cache(self, model: StoredModel) -> Predictor:
        predictor = await asyncio.get_running_loop().run_in_executor(self._threads, self._load, model)
        size = max(model.size_bytes, predictor.memory_bytes)
        if size > self._max_bytes:
            raise ModelExceedsLimit(size, self._max_bytes)
        if self._loading.is_running(model.id):  # otherwise it was deleted meanwhile
            self._cache[model.id] = predictor, size
            while len(self._cache) > self._max_models:
                self._cache.popitem()
        return predictor


def _size_of(cached: tuple[Predictor, int]) -> int:
    return cached[1]
