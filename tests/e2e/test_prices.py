"""Prices and quotes."""

import httpx
import pytest
from tests.e2e.conftest import DEFAULT_PRICES
from tests.support.course import trained_model
from tests.support.people import Person
from tests.support.problems import assert_problem

FEATURES = {"features": {"x": 10, "noise": 3}}


async def test_prices_are_public(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1/prices")
    assert response.status_code == 200
    prices = {price["action"]: (price["tokens"], price["per_units"]) for price in response.json()["items"]}
    assert prices == DEFAULT_PRICES


@pytest.mark.usefixtures("usual_prices")
class TestChangePrice:
    async def test_next_request_costs_the_new_price(self, admin: Person, user: Person) -> None:
        name = await trained_model(user)
        changed = await admin.put("/v1/prices/predict", json={"tokens": 3})
        assert changed.status_code == 200
        response = await user.post(f"/v1/models/{name}/predict", json=FEATURES)
        assert response.headers["x-tokens-charged"] == "3"
        assert await user.balance() == 11

    async def test_each_price_change_is_a_new_version(self, admin: Person) -> None:
        first = (await admin.put("/v1/prices/batch", json={"tokens": 7, "per_units": 1000})).json()
        second = (await admin.put("/v1/prices/batch", json={"tokens": 8, "per_units": 1000})).json()
        assert second["version"] == first["version"] + 1

    async def test_price_change_is_for_administrators(self, user: Person) -> None:
        assert_problem(await user.put("/v1/prices/predict", json={"tokens": 0}), 403)


class TestQuotes:
    async def test_quote_shows_the_cost(self, user: Person) -> None:
        response = await user.post("/v1/quotes", json={"action": "batch", "units": 2001})
        assert response.status_code == 201
        assert response.json()["tokens"] == 15
        assert await user.balance() == 15

    async def test_retried_quote_is_the_same(self, user: Person) -> None:
        key = {"Idempotency-Key": "how-much"}
        first = await user.post("/v1/quotes", json={"action": "train"}, headers=key)
        again = await user.post("/v1/quotes", json={"action": "train"}, headers=key)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
