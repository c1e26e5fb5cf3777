"""The course API, second dialect: accounts are user names."""

import json
from uuid import uuid4

import httpx
import pytest
from tests.support.course import TrainingForm, create, trained_model
from tests.support.people import PASSWORD, Person, new_user
from tests.support.problems import assert_problem
from tests.support.tables import fruit_table, line_table, month_table

CARD = "1234-5678-9999-0000"
DECLINED_CARD = "4000-0000-0000-0002"


def unused_username() -> str:
    return f"user-{uuid4().hex[:12]}"


class TestSignup:
    async def test_signup_returns_the_user_without_the_password(self, http: httpx.AsyncClient) -> None:
        username = unused_username()
        response = await http.post("/signup", json={"username": username, "password": PASSWORD})
        assert response.status_code == 201
        assert response.json()["username"] == username
        assert PASSWORD not in response.text

    async def test_taken_name_is_409(self, http: httpx.AsyncClient, bystander: Person) -> None:
        account = {"username": bystander.name, "password": PASSWORD}
        assert_problem(await http.post("/signup", json=account), 409)


class TestLogin:
    async def test_login_accepts_json(self, http: httpx.AsyncClient, bystander: Person) -> None:
        response = await http.post("/login", json={"username": bystander.name, "password": PASSWORD})
        assert response.status_code == 200
        assert response.json()["token_type"] == "bearer"
        assert (
            await bystander.with_credential(response.json()["access_token"]).get("/v1/me")
        ).status_code == 200

    async def test_login_accepts_the_oauth2_form(self, http: httpx.AsyncClient, bystander: Person) -> None:
        form = {"grant_type": "password", "username": bystander.name, "password": PASSWORD}
        response = await http.post("/login", data=form)
        assert response.status_code == 200
        assert response.json()["access_token"]

    async def test_login_with_wrong_password_is_401(self, http: httpx.AsyncClient, bystander: Person) -> None:
        response = await http.post("/login", json={"username": bystander.name, "password": "wrong"})
        assert_problem(response, 401)


class TestRemoveUser:
    async def test_user_is_removed_with_name_and_password(
        self, http: httpx.AsyncClient, user: Person
    ) -> None:
        body = {"username": user.name, "password": user.password}
        response = await http.request("DELETE", "/remove_user", json=body)
        assert response.status_code == 200
        assert_problem(await http.post("/login", json=body), 401)

    async def test_removal_with_wrong_password_is_401(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        body = {"username": bystander.name, "password": "wrong"}
        assert_problem(await http.request("DELETE", "/remove_user", json=body), 401)
        assert (await bystander.get("/v1/me")).status_code == 200


class TestTokens:
    async def test_tokens_returns_own_balance(self, bystander: Person) -> None:
        response = await bystander.get(f"/tokens/{bystander.name}")
        assert response.status_code == 200
        assert response.json() == {"tokens": 15}

    async def test_tokens_returns_any_balance_to_an_administrator(
        self, admin: Person, bystander: Person
    ) -> None:
        assert (await admin.get(f"/tokens/{bystander.name}")).json() == {"tokens": 15}

    async def test_tokens_of_another_user_are_404(self, user: Person, bystander: Person) -> None:
        assert_problem(await user.get(f"/tokens/{bystander.name}"), 404)


class TestAddTokens:
    @pytest.mark.parametrize("card", [CARD, "4242424242424242", "123456789012"])
    async def test_purchase_adds_to_the_wallet(self, user: Person, card: str) -> None:
        purchase = {"username": user.name, "credit_card": card, "amount": 10}
        response = await user.post("/add_tokens", json=purchase)
        assert response.status_code == 200
        assert response.json() == {"username": user.name, "tokens": 25}

    async def test_admin_adds_to_any_wallet(self, admin: Person, user: Person) -> None:
        purchase = {"username": user.name, "credit_card": CARD, "amount": 10}
        assert (await admin.post("/add_tokens", json=purchase)).json()["tokens"] == 25

    async def test_declined_card_is_402_and_transfers_nothing(self, user: Person) -> None:
        purchase = {"username": user.name, "credit_card": DECLINED_CARD, "amount": 10}
        assert_problem(await user.post("/add_tokens", json=purchase), 402, "card_declined")
        assert await user.balance() == 15

    async def test_purchase_for_another_user_is_404(self, user: Person, bystander: Person) -> None:
        purchase = {"username": bystander.name, "credit_card": CARD, "amount": 10}
        assert_problem(await user.post("/add_tokens", json=purchase), 404)
        assert await bystander.balance() == 15

    @pytest.mark.parametrize("amount", [0, -5, 1.5, True, "ten"])
    async def test_amount_is_a_whole_number_above_zero(self, user: Person, amount: object) -> None:
        purchase = {"username": user.name, "credit_card": CARD, "amount": amount}
        assert_problem(await user.post("/add_tokens", json=purchase), 422)


class TestTrain:
    async def test_train_uses_the_named_type(self, user: Person) -> None:
        form = {"model_name": "linear", "features": json.dumps(["x", "noise"]), "label": "y"}
        files = {"file": ("table.csv", line_table(), "text/csv")}
        response = await user.post("/train", data={**form, "model_params": "{}"}, files=files)
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["status"] == "model trained"
        assert body["features"] == ["x", "noise"]
        assert body["label"] == "y"
        assert body["model_name"]
        assert body["metrics"]["r2_score"] == pytest.approx(1)
        assert await user.balance() == 14

    async def test_train_learns_twelve_classes_of_whole_numbers(self, user: Person) -> None:
        files = {"file": ("months.csv", month_table(), "text/csv")}
        form = {"model_name": "logistic", "features": '["temp", "rain"]', "label": "month"}
        response = await user.post("/train", data=form, files=files)
        assert (response.status_code, response.json()["status"]) == (200, "model trained")

    async def test_unknown_type_is_refused_and_free(self, user: Person) -> None:
        form = {"model_name": "oracle", "features": '["x"]', "label": "y", "model_params": "{}"}
        response = await user.post("/train", data=form, files={"file": ("t.csv", line_table(), "text/csv")})
        assert response.status_code in {400, 404, 422}
        assert_problem(response, response.status_code)
        assert await user.balance() == 15


class TestPredict:
    async def test_predict_accepts_features_as_the_body(self, user: Person) -> None:
        name = await trained_model(user)
        response = await user.post(f"/predict/{name}", json={"x": 10, "noise": 3})
        assert response.status_code == 200
        assert response.json()["prediction"] == pytest.approx(32)

    async def test_type_name_selects_its_newest_model(self, user: Person) -> None:
        await trained_model(user)
        shifted = b"x,y\n" + b"".join(b"%d,%d\n" % (n, 3 * n + 100) for n in range(40))
        assert (await create(user, TrainingForm("linear", ["x"], "y", shifted))).status_code == 200
        await trained_model(user, TrainingForm("knn", ["weight", "colour"], "fruit", fruit_table()))
        response = await user.post("/predict/linear", json={"x": 10})
        assert response.json()["prediction"] == pytest.approx(130)

    async def test_type_without_a_model_is_404(self, user: Person) -> None:
        assert_problem(await user.post("/predict/logistic", json={"x": 1}), 404)


async def test_both_dialects_and_v1_log_in_the_same_users(http: httpx.AsyncClient) -> None:
    person = await new_user(http)
    first = await http.post("/user/login", json={"email": person.name.upper(), "pwd": PASSWORD})
    second = await http.post("/login", json={"username": person.name, "password": PASSWORD})
    ids = [
        (await person.with_credential(response.json()["access_token"]).get("/v1/me")).json()["id"]
        for response in (first, second)
    ]
    assert ids == [person.id, person.id]
