"""`/v1/model-types` and `/v1/models`."""

import httpx
import pytest
from tests.support.people import Person
from tests.support.problems import assert_problem
from tests.support.tables import fruit_table, month_table, shared
from tests.support.training import ended, start, train, upload


class TestModelTypes:
    async def test_model_types_describe_parameters_as_json_schema(self, http: httpx.AsyncClient) -> None:
        types = {item["name"]: item for item in (await http.get("/v1/model-types")).json()["items"]}
        assert types.keys() >= {"linear", "logistic", "knn", "random_forest"}
        neighbours = types["knn"]["parameters"]["properties"]["n_neighbors"]
        assert (neighbours["type"], neighbours["default"], neighbours["minimum"]) == ("integer", 5, 1)

    async def test_model_types_list_their_tasks(self, http: httpx.AsyncClient) -> None:
        types = {item["name"]: item["tasks"] for item in (await http.get("/v1/model-types")).json()["items"]}
        assert types["linear"] == ["regression"]
        assert types["logistic"] == ["classification"]
        assert sorted(types["knn"]) == sorted(types["random_forest"]) == ["classification", "regression"]


class TestTrain:
    async def test_training_is_accepted_with_a_job_and_a_hold(self, user: Person) -> None:
        spec = {"dataset_id": await upload(user), "type": "linear", "label": "y"}
        response = await user.post("/v1/models", json=spec)
        assert response.status_code == 202
        job = response.json()
        assert response.headers["location"] == f"/v1/jobs/{job['id']}"
        assert job["tokens_held"] == 1
        assert (await ended(user, job["id"]))["tokens_charged"] == 1
        assert await user.balance() == 14

    async def test_metrics_are_shown_beside_a_baseline(self, user: Person) -> None:
        model = await train(user, fruit_table(), type="knn", label="fruit")
        assert model["task"] == "classification"
        assert model["metrics"]["accuracy"] > model["baseline"]["accuracy"]
        assert model["metrics"].keys() == model["baseline"].keys()

    async def test_default_features_are_all_other_columns(self, user: Person) -> None:
        model = await train(user)
        assert model["features"] == ["x", "noise"]

    @pytest.mark.parametrize(("task", "figure"), [("classification", "accuracy"), ("regression", "r2_score")])
    async def test_task_can_be_chosen(self, user: Person, task: str, figure: str) -> None:
        table = "\n".join(["n,label", *(f"{n},{n % 5}" for n in range(100))]).encode()
        model = await train(
            user, table, type="random_forest", label="label", task=task, params={"n_estimators": 5}
        )
        assert model["task"] == task
        assert figure in model["metrics"]

    async def test_answers_name_the_task_and_the_way_to_the_other(self, user: Person) -> None:
        dataset_id = await upload(user, month_table())
        found = await user.get(f"/v1/datasets/{dataset_id}/findings", params={"label": "month"})
        [usual] = [finding for finding in found.json()["findings"] if finding["code"] == "task"]
        assert usual["advice"] == "If they are codes of classes, set the task to classification."
        job = await start(user, {"dataset_id": dataset_id, "type": "logistic", "label": "month"})
        assert job["order"]["task"] == "classification"
        assert (await ended(user, job["id"]))["state"] == "succeeded"
        model = (await user.get(f"/v1/models/{job['model_name']}")).json()
        assert model["task"] == "classification"
        assert model["task_note"].endswith("If they are amounts, set the task to regression.")

    async def test_missing_labels_are_dropped_on_request(self, user: Person) -> None:
        spec = {
            "dataset_id": await upload(user, shared("cars")),
            "type": "linear",
            "label": "Miles_per_Gallon",
        }
        refused = await user.post("/v1/models", json=spec)
        problem = assert_problem(refused, 422)
        assert "8" in str(problem["detail"])
        job = await start(user, {**spec, "features": ["Horsepower"], "missing_label": "drop"})
        assert (await ended(user, job["id"]))["state"] == "succeeded"

    async def test_taken_model_name_is_409(self, user: Person) -> None:
        model = await train(user, name="mine")
        spec = {"dataset_id": await upload(user), "type": "linear", "label": "y", "name": "mine"}
        assert model["name"] == f"{user.id}_mine"
        assert_problem(await user.post("/v1/models", json=spec), 409, "model_name_taken")

    async def test_retried_training_is_one_job(self, user: Person) -> None:
        spec = {"dataset_id": await upload(user), "type": "linear", "label": "y"}
        key = {"Idempotency-Key": "train-once"}
        first = await user.post("/v1/models", json=spec, headers=key)
        again = await user.post("/v1/models", json=spec, headers=key)
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert again.headers["idempotency-replayed"] == "true"
        await ended(user, first.json()["id"])
        assert await user.balance() == 14

    async def test_training_on_another_users_dataset_is_404(self, user: Person, bystander: Person) -> None:
        spec = {"dataset_id": await upload(bystander), "type": "linear", "label": "y"}
        assert_problem(await user.post("/v1/models", json=spec), 404, "dataset_not_found")

    async def test_training_without_enough_tokens_is_402(self, user: Person) -> None:
        dataset_id = await upload(user)
        spec = {"dataset_id": dataset_id, "type": "linear", "label": "y"}
        for _ in range(15):
            await ended(user, (await start(user, spec))["id"])
        problem = assert_problem(await user.post("/v1/models", json=spec), 402, "not_enough_tokens")
        assert (problem["required"], problem["available"]) == (1, 0)


class TestModels:
    async def test_models_are_listed_newest_first_in_pages(self, user: Person) -> None:
        names = [(await train(user))["name"] for _ in range(3)]
        first = (await user.get("/v1/models", params={"page_size": 2})).json()
        query = {"page_size": 2, "page_token": first["next_page_token"]}
        second = (await user.get("/v1/models", params=query)).json()
        assert [model["name"] for model in first["items"] + second["items"]] == names[::-1]

    async def test_schema_contains_a_working_example(self, user: Person) -> None:
        model = await train(user, fruit_table(), type="knn", label="fruit")
        schema = (await user.get(f"/v1/models/{model['name']}/schema")).json()
        assert [feature["name"] for feature in schema["features"]] == ["weight", "colour"]
        assert sorted(schema["classes"]) == ["apple", "grape"]
        response = await user.post(f"/v1/models/{model['name']}/predict", json=schema["example"])
        assert response.json()["prediction"] in {"apple", "grape"}

    async def test_reading_models_is_free(self, owner: Person, line_model: str) -> None:
        before = await owner.balance()
        for path in ("/v1/models", f"/v1/models/{line_model}", f"/v1/models/{line_model}/schema"):
            assert (await owner.get(path)).status_code == 200
        assert await owner.balance() == before

    async def test_deleted_model_is_404(self, user: Person) -> None:
        name = (await train(user))["name"]
        assert (await user.delete(f"/v1/models/{name}")).status_code == 204
        assert_problem(await user.get(f"/v1/models/{name}"), 404, "model_not_found")
        features = {"features": {"x": 1, "noise": 1}}
        assert_problem(await user.post(f"/v1/models/{name}/predict", json=features), 404)

    async def test_name_of_deleted_model_is_free(self, user: Person) -> None:
        name = (await train(user, name="mine"))["name"]
        await user.delete(f"/v1/models/{name}")
        assert (await train(user, name="mine"))["name"] == name

    @pytest.mark.parametrize("more", ["", "/schema"])
    async def test_model_of_another_user_is_404(self, bystander: Person, line_model: str, more: str) -> None:
        assert_problem(await bystander.get(f"/v1/models/{line_model}{more}"), 404)

    async def test_model_of_another_user_cannot_be_deleted(
        self, owner: Person, bystander: Person, line_model: str
    ) -> None:
        assert_problem(await bystander.delete(f"/v1/models/{line_model}"), 404)
        assert (await owner.get(f"/v1/models/{line_model}")).status_code == 200
