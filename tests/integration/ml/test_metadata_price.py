"""Charges for requests that read about models."""

import pytest
from tests.integration.ml.service import ADA, Service
from tests.support.tokens import bearer

from ml_service.billing.port import Price

LISTS = ["/v1/models", "/trained"]


@pytest.fixture
def paid(idle: Service) -> Service:
    idle.billing.current_prices["metadata"] = Price(1, 1)
    return idle


@pytest.mark.parametrize("path", LISTS)
async def test_free_reading_is_not_charged(idle: Service, path: str) -> None:
    idle.billing.calls.clear()
    answer = await idle.client.get(path, headers=bearer(ADA))
    assert answer.status_code == 200
    assert "charge" not in idle.billing.calls


@pytest.mark.parametrize("path", LISTS)
async def test_reading_is_charged(paid: Service, path: str) -> None:
    answer = await paid.client.get(path, headers=bearer(ADA))
    assert (answer.status_code, answer.headers["x-tokens-charged"]) == (200, "1")
    assert paid.billing.balance(ADA) == 99


@pytest.mark.parametrize("path", ["/v1/models/1_no", "/trained/1_no", "/v1/models/1_no/schema"])
async def test_unknown_model_costs_nothing(paid: Service, path: str) -> None:
    paid.billing.calls.clear()
    assert (await paid.client.get(path, headers=bearer(ADA))).status_code == 404
    assert "charge" not in paid.billing.calls


async def test_reading_without_tokens_is_refused(paid: Service) -> None:
    paid.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    assert (await paid.client.get("/trained", headers=bearer(ADA))).status_code == 402


async def test_model_types_are_free_and_open(paid: Service) -> None:
    types = await paid.client.get("/v1/model-types")
    assert {item["name"] for item in types.json()["items"]} >= {"knn", "linear", "logistic", "random_forest"}
    assert (await paid.client.get("/models")).status_code == 200
