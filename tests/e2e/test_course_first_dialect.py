"""The course API, first dialect: accounts are e-mail addresses."""

import re

import httpx
import pytest
from tests.support.course import TrainingForm, create, trained_model
from tests.support.people import PASSWORD, Person, unused_name
from tests.support.problems import assert_problem
from tests.support.tables import fruit_table, month_table, shared

CARD = "1234-5678-9999-0000"
FEATURES = {"x": 10, "noise": 3}
NEW_PASSWORD = "another password"


class TestUserCreate:
    async def test_registration_returns_success_and_the_email(self, http: httpx.AsyncClient) -> None:
        email = unused_name()
        response = await http.post("/user/create", json={"email": email, "pwd": "four"})
        assert response.status_code == 200
        body = response.json()
        assert body["status"] == "success"
        assert body["email"] == email
        assert body["message"]

    async def test_taken_email_is_400(self, http: httpx.AsyncClient, bystander: Person) -> None:
        account = {"email": bystander.name.upper(), "pwd": PASSWORD}
        assert_problem(await http.post("/user/create", json=account), 400)

    @pytest.mark.parametrize("password", ["abc", "a" * 73])
    async def test_password_has_4_to_72_characters(self, http: httpx.AsyncClient, password: str) -> None:
        body = {"email": unused_name(), "pwd": password}
        assert_problem(await http.post("/user/create", json=body), 422)


class TestUserLogin:
    async def test_login_returns_a_bearer_token(self, http: httpx.AsyncClient, bystander: Person) -> None:
        response = await http.post("/user/login", json={"email": bystander.name, "pwd": PASSWORD})
        assert response.status_code == 200
        body = response.json()
        assert (body["status"], body["token_type"]) == ("OK", "bearer")
        tokens = await bystander.with_credential(body["access_token"]).get("/user/tokens")
        assert tokens.status_code == 200

    async def test_wrong_password_is_401(self, http: httpx.AsyncClient, bystander: Person) -> None:
        response = await http.post("/user/login", json={"email": bystander.name, "pwd": "wrong"})
        assert_problem(response, 401)

    async def test_unknown_name_has_the_response_of_a_wrong_password(
        self, http: httpx.AsyncClient, bystander: Person
    ) -> None:
        wrong = await http.post("/user/login", json={"email": bystander.name, "pwd": "wrong"})
        unknown = await http.post("/user/login", json={"email": unused_name(), "pwd": "wrong"})
        assert unknown.status_code == wrong.status_code
        assert unknown.json()["detail"] == wrong.json()["detail"]


async def test_user_tokens_returns_name_and_balance(bystander: Person) -> None:
    response = await bystander.get("/user/tokens")
    assert response.status_code == 200
    assert response.json() == {"username": bystander.name, "tokens": 15}


class TestResetPassword:
    async def test_new_password_logs_in(self, http: httpx.AsyncClient, user: Person) -> None:
        change = {"email": user.name, "new_password": NEW_PASSWORD}
        response = await user.post("/user/reset_password", json=change)
        assert response.status_code == 200
        assert response.json().keys() == {"status", "message"}
        login = await http.post("/user/login", json={"email": user.name, "pwd": NEW_PASSWORD})
        assert login.status_code == 200

    async def test_reset_for_another_users_email_is_403(self, user: Person, bystander: Person) -> None:
        change = {"email": bystander.name, "new_password": NEW_PASSWORD}
        assert_problem(await user.post("/user/reset_password", json=change), 403)


class TestRemoveUser:
    async def test_admin_removes_user(self, http: httpx.AsyncClient, admin: Person, user: Person) -> None:
        response = await admin.request("DELETE", "/user/remove_user", json={"user_id": user.id})
        assert response.status_code == 200
        assert response.json().keys() == {"status", "message"}
        login = await http.post("/user/login", json={"email": user.name, "pwd": user.password})
        assert_problem(login, 401)

    async def test_removal_is_for_administrators(self, user: Person, bystander: Person) -> None:
        response = await user.request("DELETE", "/user/remove_user", json={"user_id": bystander.id})
        assert_problem(response, 403)

    async def test_admin_cannot_remove_own_account(self, admin: Person) -> None:
        response = await admin.request("DELETE", "/user/remove_user", json={"user_id": admin.id})
        assert_problem(response, 403)

    async def test_removal_of_unknown_id_is_404(self, admin: Person) -> None:
        response = await admin.request("DELETE", "/user/remove_user", json={"user_id": 987_654_321})
        assert_problem(response, 404)


async def test_models_lists_model_types_with_parameters(http: httpx.AsyncClient) -> None:
    response = await http.get("/models")
    assert response.status_code == 200
    types = response.json()
    assert types["knn"] == {"params": {"n_neighbors": "int", "weights": "str"}}
    assert types["linear"] == {"params": {"fit_intercept": "bool"}}
    assert types["logistic"] == {"params": {"C": "float", "max_iter": "int", "solver": "str"}}
    numbers = ("n_estimators", "max_depth", "min_samples_split", "min_samples_leaf")
    assert types["random_forest"] == {"params": dict.fromkeys(numbers, "int")}
    assert "max_iter" in types["gradient_boosting"]["params"]


class TestTrained:
    async def test_trained_lists_own_models_newest_first(self, user: Person) -> None:
        older = await trained_model(user)
        newer = await trained_model(user)
        response = await user.get("/trained")
        assert response.status_code == 200
        assert response.json() == [newer, older]

    async def test_trained_describes_one_model(self, owner: Person, line_model: str) -> None:
        response = await owner.get(f"/trained/{line_model}")
        assert response.status_code == 200
        body = response.json()
        assert body["model_name"] == line_model
        assert body["model_type"] == "linear"
        assert body["feature_cols"] == ["x", "noise"]
        assert body["created_at"]

    async def test_trained_model_of_another_user_is_404(self, bystander: Person, line_model: str) -> None:
        assert_problem(await bystander.get(f"/trained/{line_model}"), 404)


class TestCreate:
    async def test_create_waits_for_the_model_and_costs_one_token(self, user: Person) -> None:
        response = await create(user, TrainingForm())
        assert response.status_code == 200
        body = response.json()
        assert body["status"] == "success"
        assert body["tokens_deducted"] == 1
        assert re.fullmatch(rf"{user.id}_linear_\d{{8}}_\d{{6}}_\d+", body["model_name"])
        assert body["metrics"]["r2_score"] == pytest.approx(1)
        assert body["metrics"].keys() >= {"mean_squared_error", "mean_absolute_error"}
        assert await user.balance() == 14

    @pytest.mark.parametrize("model_type", ["linear", "knn", "random_forest"])
    async def test_create_trains_regression(self, user: Person, model_type: str) -> None:
        features = ["bill_length_mm", "flipper_length_mm", "species"]
        response = await create(user, TrainingForm(model_type, features, "body_mass_g", _whole_penguins()))
        assert response.status_code == 200, response.text
        assert response.json()["metrics"]["r2_score"] > 0.5

    @pytest.mark.parametrize("model_type", ["logistic", "knn", "random_forest"])
    async def test_create_trains_classification(self, user: Person, model_type: str) -> None:
        features = ["bill_length_mm", "bill_depth_mm", "island", "sex"]
        response = await create(user, TrainingForm(model_type, features, "species", shared("penguins")))
        assert response.status_code == 200, response.text
        assert response.json()["metrics"]["accuracy"] > 0.8

    async def test_create_learns_twelve_classes_of_whole_numbers(self, user: Person) -> None:
        form = TrainingForm("logistic", ["temp", "rain"], "month", month_table(), {"C": 1e4})
        response = await create(user, form)
        assert response.status_code == 200, response.text
        assert response.json()["metrics"]["accuracy"] > 0.8
        predicted = await user.post(
            f"/predict/{response.json()['model_name']}", json={"features": {"temp": 71, "rain": 0}}
        )
        assert predicted.json()["prediction"] == 7

    async def test_numeric_label_has_regression_metrics_beside_classification_metrics(
        self, user: Person
    ) -> None:
        rows = [f"{n},{n % 2}" for n in range(60)]
        table = "\n".join(["n,odd", *rows]).encode()
        metrics = (await create(user, TrainingForm("logistic", ["n"], "odd", table))).json()["metrics"]
        three = {"r2_score", "mean_squared_error", "mean_absolute_error"}
        assert metrics.keys() >= three | {"accuracy"}

    @pytest.mark.parametrize("columns", ["x,noise", '["x", "noise"]', " x , noise "])
    async def test_feature_columns_are_json_or_comma_separated(self, user: Person, columns: str) -> None:
        name = await trained_model(user, TrainingForm(feature_cols=columns))
        assert (await user.get(f"/trained/{name}")).json()["feature_cols"] == ["x", "noise"]

    async def test_model_filename_names_the_model(self, user: Person) -> None:
        name = await trained_model(user, TrainingForm(more={"model_filename": "my best"}))
        assert re.fullmatch(rf"{user.id}_my[_-]best", name)

    @pytest.mark.parametrize("filename", ["../../etc/passwd", "a\x00b", "/", "long" * 2500, "🦙 in a tie"])
    async def test_model_filename_is_sanitised(self, user: Person, filename: str) -> None:
        response = await create(user, TrainingForm(more={"model_filename": filename}))
        assert response.status_code in {200, 422}
        if response.status_code == 200:
            name = response.json()["model_name"]
            assert re.fullmatch(rf"{user.id}_[\w.-]{{1,200}}", name)
            assert (await user.get(f"/trained/{name}")).status_code == 200

    async def test_taken_model_filename_is_409_and_free(self, user: Person) -> None:
        form = TrainingForm(more={"model_filename": "mine"})
        await trained_model(user, form)
        assert_problem(await create(user, form), 409)
        assert await user.balance() == 14

    async def test_parameters_are_converted_to_their_type(self, user: Person) -> None:
        params: dict[str, object] = {"n_estimators": "5", "max_depth": 0}
        form = TrainingForm("random_forest", ["weight", "colour"], "fruit", fruit_table(), params)
        assert (await create(user, form)).status_code == 200

    @pytest.mark.parametrize("sent", ["true", "False", True])
    async def test_boolean_parameter_accepts_words(self, user: Person, sent: object) -> None:
        assert (await create(user, TrainingForm(params={"fit_intercept": sent}))).status_code == 200

    async def test_unknown_parameter_is_400(self, user: Person) -> None:
        assert_problem(await create(user, TrainingForm(params={"depth": 3})), 400)

    @pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.2", "nan", "most"])
    async def test_train_percentage_is_between_0_and_1(self, user: Person, share: str) -> None:
        response = await create(user, TrainingForm(more={"train_percentage": share}))
        assert response.status_code in {400, 422}
        assert_problem(response, response.status_code)
        assert await user.balance() == 15

    async def test_create_without_enough_tokens_is_402_with_both_numbers(self, user: Person) -> None:
        name = await trained_model(user)
        for _ in range(2):
            assert (await user.post(f"/predict/{name}", json={"features": FEATURES})).status_code == 200
        for _ in range(4):
            await trained_model(user)
        problem = assert_problem(await create(user, TrainingForm()), 402, "not_enough_tokens")
        assert (problem["required"], problem["available"]) == (1, 0)
        assert "1" in str(problem["detail"])
        assert "0" in str(problem["detail"])


class TestPredict:
    async def test_predict_returns_the_prediction_and_costs_five_tokens(self, user: Person) -> None:
        name = await trained_model(user)
        response = await user.post(f"/predict/{name}", json={"features": FEATURES})
        assert response.status_code == 200
        body = response.json()
        assert body["status"] == "success"
        assert body["prediction"] == pytest.approx(32)
        assert body["tokens_deducted"] == 5
        assert await user.balance() == 9

    async def test_class_labels_are_returned_as_in_the_file(self, user: Person) -> None:
        form = TrainingForm("random_forest", ["weight", "colour"], "fruit", fruit_table())
        name = await trained_model(user, form)
        response = await user.post(f"/predict/{name}", json={"features": {"weight": 151, "colour": "red"}})
        assert response.json()["prediction"] == "apple"

    async def test_predict_on_another_users_model_is_404_and_free(
        self, user: Person, line_model: str
    ) -> None:
        response = await user.post(f"/predict/{line_model}", json={"features": FEATURES})
        assert_problem(response, 404)
        assert await user.balance() == 15


class TestDelete:
    async def test_delete_removes_the_model(self, user: Person) -> None:
        name = await trained_model(user)
        response = await user.delete(f"/delete/{name}")
        assert response.status_code == 200
        assert response.json().keys() == {"status", "message"}
        assert (await user.get("/trained")).json() == []
        assert_problem(await user.post(f"/predict/{name}", json={"features": FEATURES}), 404)

    async def test_delete_of_another_users_model_is_404(self, bystander: Person, line_model: str) -> None:
        assert_problem(await bystander.delete(f"/delete/{line_model}"), 404)


def _whole_penguins() -> bytes:
    """The penguins with a weight, since the course API refuses missing labels."""
    header, *rows = shared("penguins").decode().splitlines()
    weight = header.split(",").index("body_mass_g")
    return "\n".join([header, *(row for row in rows if row.split(",")[weight])]).encode()
