"""Requests of the course API that share one new file: refused ones take nothing away from the others."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from tests.support.books import assert_books_balance
from tests.support.people import Person, administrator, grant, new_user
from tests.support.stack import Stack, running_stack
from tests.support.tables import line_table

ROUNDS = 50
LABELS = ("y", "wrong", "y", "wrong")


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture
async def http(own_stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=own_stack.url, timeout=120) as client:
        yield client


async def create(user: Person, table: bytes, label: str) -> int:
    form = {"model_type": "linear", "feature_cols": json.dumps(["x"]), "label_col": label}
    return (await user.post("/create", data=form, files={"csv_file": ("t.csv", table)})).status_code


async def test_four_requests_with_one_new_file_and_two_wrong_labels(
    own_stack: Stack, http: httpx.AsyncClient
) -> None:
    user = await new_user(http)
    await grant(await administrator(http, own_stack), user, 2 * ROUNDS)
    before = (await user.get("/user/tokens")).json()["tokens"]
    for number in range(ROUNDS):
        table = line_table(100 + number)
        statuses = await asyncio.gather(*(create(user, table, label) for label in LABELS))
        assert statuses == [200, 422, 200, 422], number
    assert (await user.get("/user/tokens")).json()["tokens"] == before - 2 * ROUNDS
    assert_books_balance(own_stack)
