"""`/v1/models/{name}/predict`: one row or several, each charged."""

from uuid import uuid4

import pytest
import pytest_asyncio
from tests.support.course import TrainingForm, trained_model
from tests.support.people import Person, grant
from tests.support.problems import assert_problem
from tests.support.tables import fruit_table

FEATURES = {"features": {"x": 10, "noise": 3}}


@pytest_asyncio.fixture(loop_scope="session")
async def path(user: Person) -> str:
    return f"/v1/models/{await trained_model(user)}/predict"


async def test_one_row_is_predicted(user: Person, path: str) -> None:
    response = await user.post(path, json=FEATURES)
    assert response.status_code == 200
    assert response.json()["prediction"] == pytest.approx(32)


async def test_several_rows_are_predicted_in_order(user: Person, path: str) -> None:
    rows = [{"x": x, "noise": 0} for x in (3, 1, 2)]
    response = await user.post(path, json={"rows": rows})
    assert response.json()["predictions"] == pytest.approx([11, 5, 8])


async def test_charged_headers_equal_the_ledger(user: Person, path: str) -> None:
    response = await user.post(path, json=FEATURES)
    newest = (await user.get("/v1/me/ledger")).json()["items"][0]
    charged = int(response.headers["x-tokens-charged"])
    assert (charged, -newest["amount"]) == (5, 5)
    assert int(response.headers["x-tokens-balance"]) == newest["balance"] == 9
    assert response.headers["x-receipt-id"] == newest["receipt_id"]


async def test_many_rows_cost_five_tokens_per_started_thousand(
    admin: Person, user: Person, path: str
) -> None:
    await grant(admin, user, 100)
    rows = [{"x": n, "noise": 0} for n in range(1001)]
    response = await user.post(path, json={"rows": rows})
    assert response.headers["x-tokens-charged"] == "10"
    assert len(response.json()["predictions"]) == 1001


async def test_missing_cell_is_imputed(user: Person, path: str) -> None:
    response = await user.post(path, json={"features": {"x": 10, "noise": None}})
    assert response.status_code == 200
    assert response.json()["prediction"] == pytest.approx(32)


async def test_unseen_category_predicts_like_a_missing_one_with_a_warning(user: Person) -> None:
    name = await trained_model(user, TrainingForm("knn", ["weight", "colour"], "fruit", fruit_table()))
    path = f"/v1/models/{name}/predict"
    unseen = (await user.post(path, json={"features": {"weight": 150, "colour": "blue"}})).json()
    missing = (await user.post(path, json={"features": {"weight": 150, "colour": None}})).json()
    assert unseen["prediction"] == missing["prediction"]
    assert [warning["feature"] for warning in unseen["warnings"]] == ["colour"]
    assert missing["warnings"] == []


class TestIdempotencyKey:
    async def test_retry_receives_the_first_answer_and_one_charge(self, user: Person, path: str) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        first = await user.post(path, json=FEATURES, headers=key)
        again = await user.post(path, json=FEATURES, headers=key)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["x-receipt-id"] == first.headers["x-receipt-id"]
        assert await user.balance() == 9

    async def test_same_key_with_other_input_is_422_and_free(self, user: Person, path: str) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        await user.post(path, json=FEATURES, headers=key)
        response = await user.post(path, json={"features": {"x": 11, "noise": 3}}, headers=key)
        assert_problem(response, 422, "idempotency_key_reused")
        assert await user.balance() == 9

    async def test_key_of_a_refused_request_stays_unused(self, user: Person, path: str) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        await user.post(path, json={"features": {"x": "text", "noise": 3}}, headers=key)
        assert (await user.post(path, json=FEATURES, headers=key)).status_code == 200

    async def test_same_key_of_another_user_is_another_key(
        self, user: Person, bystander: Person, path: str
    ) -> None:
        key = {"Idempotency-Key": uuid4().hex}
        await user.post(path, json=FEATURES, headers=key)
        assert_problem(await bystander.post(path, json=FEATURES, headers=key), 404)


async def test_prediction_without_enough_tokens_is_402_with_both_numbers(user: Person, path: str) -> None:
    for _ in range(2):
        assert (await user.post(path, json=FEATURES)).status_code == 200
    problem = assert_problem(await user.post(path, json=FEATURES), 402, "not_enough_tokens")
    assert (problem["required"], problem["available"]) == (5, 4)
    assert await user.balance() == 4


async def test_prediction_with_another_users_model_is_404_and_free(bystander: Person, path: str) -> None:
    assert_problem(await bystander.post(path, json=FEATURES), 404, "model_not_found")
    assert await bystander.balance() == 15
