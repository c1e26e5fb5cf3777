"""Cache of looked-up models: used while changes are reported, and never with an outdated row."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from kit.identity import UserId
from ml_service.models.model_cache import CACHED_MODELS_PER_USER, ModelLookup

ADA, BOB = UserId(1), UserId(2)
NAME = "1_model"


class OneRow:
    """A database with one row or none, which counts its queries and answers once `go` is set."""

    def __init__(self) -> None:
        self.row: Any = SimpleNamespace(id=1, name=NAME, artefact="a", files={}, size_bytes=1)
        self.queries = 0
        self.go = asyncio.Event()
        self.go.set()

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator["OneRow"]:
        yield self

    async def execute(self, _statement: object) -> Any:
        self.queries += 1
        found = SimpleNamespace(first=lambda row=self.row: row)
        await self.go.wait()
        return found

    async def scalar(self, statement: object) -> str | None:
        row = (await self.execute(statement)).first()
        return None if row is None else row.name


@pytest.fixture
def rows() -> OneRow:
    return OneRow()


@pytest.fixture
def lookup(rows: OneRow) -> ModelLookup:
    return ModelLookup(rows, lambda: True)  # type: ignore[arg-type] - it has the methods that are used


async def test_model_is_queried_once(lookup: ModelLookup, rows: OneRow) -> None:
    found = [await lookup.find_stored(ADA, NAME) for _ in range(3)]
    assert {model.id for model in found if model} == {1}
    assert rows.queries == 1


async def test_missing_model_is_queried_again(lookup: ModelLookup, rows: OneRow) -> None:
    rows.row = None
    assert [await lookup.find_stored(ADA, NAME) for _ in range(2)] == [None, None]
    assert rows.queries == 2


async def test_newest_model_of_a_type_is_queried_once(lookup: ModelLookup, rows: OneRow) -> None:
    assert [await lookup.find_newest(ADA, "linear") for _ in range(2)] == [NAME, NAME]
    assert rows.queries == 1


async def test_notification_concerns_one_user(lookup: ModelLookup, rows: OneRow) -> None:
    for user in (ADA, BOB):
        await lookup.find_stored(user, NAME)
    lookup.receive("1")
    for user in (ADA, BOB):
        await lookup.find_stored(user, NAME)
    assert rows.queries == 3


async def test_row_of_a_query_that_a_change_overtook_is_not_cached(lookup: ModelLookup, rows: OneRow) -> None:
    rows.go.clear()
    finding = asyncio.create_task(lookup.find_stored(ADA, NAME))
    await asyncio.sleep(0)
    lookup.receive("1")
    rows.row = None
    rows.go.set()
    assert await finding is not None
    assert await lookup.find_stored(ADA, NAME) is None


async def test_cache_is_bypassed_without_notifications(rows: OneRow) -> None:
    notified = [True]
    lookup = ModelLookup(rows, lambda: notified[0])  # type: ignore[arg-type] - as above
    await lookup.find_stored(ADA, NAME)
    notified[0], rows.row = False, None
    assert await lookup.find_stored(ADA, NAME) is None
    lookup.clear()
    notified[0] = True
    assert await lookup.find_stored(ADA, NAME) is None


async def test_number_of_cached_models_per_user_is_limited(lookup: ModelLookup, rows: OneRow) -> None:
    for number in range(CACHED_MODELS_PER_USER + 1):
        await lookup.find_stored(ADA, f"1_{number}")
    await lookup.find_stored(ADA, "1_0")
    assert rows.queries == CACHED_MODELS_PER_USER + 2
