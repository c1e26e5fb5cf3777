"""Concurrent predictions through the gateway: nobody overspends, nothing is charged twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from tests.support.books import assert_books_balance
from tests.support.course import trained_model
from tests.support.people import Person, administrator, grant, new_user
from tests.support.stack import Stack

FEATURES = {"features": {"x": 10, "noise": 3}}


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=stack.url, timeout=120, limits=httpx.Limits(max_connections=256)
    ) as client:
        yield client
    assert_books_balance(stack)


@pytest.fixture
async def admin(http: httpx.AsyncClient, stack: Stack) -> Person:
    return await administrator(http, stack)


@pytest.fixture
async def user(http: httpx.AsyncClient) -> Person:
    return await new_user(http)


@pytest.fixture
async def path(user: Person) -> str:
    """The user has 14 tokens left after this training."""
    return f"/v1/models/{await trained_model(user)}/predict"


async def _at_once(user: Person, path: str, keys: list[dict[str, str]]) -> list[httpx.Response]:
    return await asyncio.gather(*[user.post(path, json=FEATURES, headers=key) for key in keys])


def _statuses(answers: list[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_14_tokens_pay_for_2_of_20_concurrent_predictions(user: Person, path: str) -> None:
    answers = await _at_once(user, path, [{}] * 20)
    assert _statuses(answers) == {200: 2, 402: 18}
    assert (await user.get("/v1/me/wallet")).json() == {"tokens": 4, "held": 0, "available": 4}


async def test_100_tokens_pay_for_100_of_200_concurrent_debits(
    admin: Person, user: Person, path: str
) -> None:
    await grant(admin, user, 86)
    try:
        assert (await admin.put("/v1/prices/predict", json={"tokens": 1})).status_code == 200
        answers = await _at_once(user, path, [{}] * 200)
    finally:
        assert (await admin.put("/v1/prices/predict", json={"tokens": 5})).status_code == 200
    assert _statuses(answers) == {200: 100, 402: 100}
    assert await user.balance() == 0
    receipts = {answer.headers["x-receipt-id"] for answer in answers if answer.status_code == 200}
    assert len(receipts) == 100


async def test_20_requests_with_one_key_have_one_effect(user: Person, path: str) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    answers = await _at_once(user, path, [key] * 20)
    assert set(_statuses(answers)) <= {200, 409}
    answered = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.headers["x-receipt-id"] for answer in answered}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answered) == 1
    assert await user.balance() == 9


async def test_20_trainings_with_one_key_are_one_job(user: Person) -> None:
    table = b"x,y\n" + b"".join(b"%d,%d\n" % (n, 2 * n) for n in range(40))
    dataset = await user.post("/v1/datasets", content=table, headers={"Content-Type": "text/csv"})
    order = {"dataset_id": dataset.json()["id"], "type": "linear", "label": "y"}
    key = {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(*[user.post("/v1/models", json=order, headers=key) for _ in range(20)])
    assert set(_statuses(list(answers))) <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert len((await user.get("/v1/jobs")).json()["items"]) == 1


async def test_20_purchases_with_one_key_are_one_purchase(user: Person) -> None:
    order, key = {"amount": 10, "credit_card": "4242424242424242"}, {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(*[user.post("/v1/purchases", json=order, headers=key) for _ in range(20)])
    assert set(_statuses(list(answers))) <= {201, 409}
    assert await user.balance() == 25


async def test_20_registrations_of_one_name_create_one_account(http: httpx.AsyncClient) -> None:
    account = {"name": f"{uuid4().hex}@example.org", "password": "a long enough one"}
    answers = await asyncio.gather(*[http.post("/v1/users", json=account) for _ in range(20)])
    assert _statuses(list(answers)) == {201: 1, 409: 19}
