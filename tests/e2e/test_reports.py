"""Every model type on every shared table, through the gateway: training, report and prediction."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.people import Person, grant, new_user
from tests.support.problems import assert_problem
from tests.support.tables import csv, shared
from tests.support.training import ended, start, train, upload

Json = dict[str, Any]  # Any: decoded JSON
TYPES = ["linear", "logistic", "knn", "random_forest", "gradient_boosting"]
CLASSES = {"penguins": "species", "cars": "Origin", "seattle-weather": "weather", "wine": "target"}
NUMBERS = {
    "penguins": "body_mass_g",
    "cars": "Miles_per_Gallon",
    "seattle-weather": "temp_max",
    "wine": "proline",
    "diabetes": "target",
}
PARAMS: dict[str, Json] = {"random_forest": {"n_estimators": 20}, "gradient_boosting": {"max_iter": 20}}
TRAININGS_SECONDS = 180


@dataclass(frozen=True)
class Case:
    table: str
    model_type: str

    @cached_property
    def label(self) -> str:
        """The class column, or the number column for `linear` and for tables without classes."""
        wants_number = self.model_type == "linear" or self.table == "diabetes"
        return (NUMBERS if wants_number else CLASSES)[self.table]

    @property
    def id(self) -> str:
        return f"{self.table}-{self.model_type}"


# A logistic regression of the diabetes table is refused, since its `target` has no classes; see below.
CASES = [
    Case(table, type) for table in NUMBERS for type in TYPES if (table, type) != ("diabetes", "logistic")
]


@dataclass(frozen=True)
class Trained:
    owner: Person
    models: dict[Case, str]
    datasets: dict[str, int]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def trained(http: httpx.AsyncClient, admin: Person) -> Trained:
    """Run all trainings concurrently, which is quicker than one after the other."""
    owner = await new_user(http)
    await grant(admin, owner, 1000)
    datasets = {table: await upload(owner, shared(table)) for table in NUMBERS}
    jobs = {case: await start(owner, _spec(case, datasets[case.table])) for case in CASES}
    # Polled one by one: many pollers at once take processor time from the trainings.
    ended_jobs = [await ended(owner, job["id"], TRAININGS_SECONDS) for job in jobs.values()]
    assert {job["state"] for job in ended_jobs} == {"succeeded"}, ended_jobs
    return Trained(owner, {case: job["model_name"] for case, job in jobs.items()}, datasets)


def _spec(case: Case, dataset_id: int) -> Json:
    return {
        "dataset_id": dataset_id,
        "type": case.model_type,
        "label": case.label,
        "params": PARAMS.get(case.model_type, {}),
        "missing_label": "drop",
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
class TestEachTypeOnEachTable:
    async def test_model_has_a_report(self, trained: Trained, case: Case) -> None:
        response = await trained.owner.get(f"/v1/models/{trained.models[case]}/report")
        assert response.status_code == 200, response.text
        report = response.json()
        assert (report["type"], report["label"]) == (case.model_type, case.label)
        assert {column["feature"] for column in report["importance"]} == set(
            report["recipe"]["spec"]["features"]
        )
        assert "better than guessing" in report["verdict"].lower()
        curves = {"confusion_matrix", "roc", "precision_recall", "calibration"}
        residuals = {"residuals", "predicted_actual"}
        received = {name for name in curves | residuals if report[name] is not None}
        assert received == (curves if report["task"] == "classification" else residuals)

    async def test_model_has_a_report_page(self, trained: Trained, case: Case) -> None:
        response = await trained.owner.get(
            f"/v1/models/{trained.models[case]}/report", params={"format": "html"}
        )
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.text.count("<svg") >= 4
        assert "<script" not in response.text
        assert "http://" not in response.text.replace("http://www.w3.org/", "")

    async def test_prediction_has_requested_coverage(self, trained: Trained, case: Case) -> None:
        name, owner = trained.models[case], trained.owner
        schema = (await owner.get(f"/v1/models/{name}/schema")).json()
        body: Json = {**schema["example"], "coverage": 0.8}
        if schema["task"] == "classification":
            body["probabilities"] = True
        response = await owner.post(f"/v1/models/{name}/predict", json=body)
        assert response.status_code == 200, response.text
        received = response.json()
        assert received["coverage"] == 0.8
        if schema["task"] == "classification":
            assert sum(received["probabilities"].values()) == pytest.approx(1)
            assert received["probabilities"].keys() == {str(label) for label in schema["classes"]}
            assert set(received["label_set"]) <= set(schema["classes"])
        else:
            assert received["interval"]["low"] <= received["prediction"] <= received["interval"]["high"]


class TestRefusals:
    @pytest.mark.parametrize("table", sorted(set(CLASSES) - {"wine"}))
    async def test_text_label_is_refused_for_regression(self, trained: Trained, table: str) -> None:
        spec = {"dataset_id": trained.datasets[table], "type": "linear", "label": CLASSES[table]}
        response = await trained.owner.post("/v1/models", json=spec)
        problem = assert_problem(response, 422)
        assert problem["code"] == "label_not_numeric"
        assert "gradient_boosting" in problem["detail"]

    async def test_many_numbers_are_refused_as_classes(self, trained: Trained) -> None:
        spec = {"dataset_id": trained.datasets["diabetes"], "type": "logistic", "label": "target"}
        assert assert_problem(await trained.owner.post("/v1/models", json=spec), 422)["code"] == (
            "label_not_classes"
        )

    async def test_probabilities_of_a_regression_are_refused_and_free(self, trained: Trained) -> None:
        name = trained.models[Case("diabetes", "linear")]
        example = (await trained.owner.get(f"/v1/models/{name}/schema")).json()["example"]
        before = (await trained.owner.get("/v1/me/wallet")).json()
        response = await trained.owner.post(
            f"/v1/models/{name}/predict", json={**example, "probabilities": True}
        )
        assert assert_problem(response, 422)["code"] == "no_probabilities"
        assert (await trained.owner.get("/v1/me/wallet")).json() == before

    @pytest.mark.parametrize("coverage", [0.49, 0.995, 1, "0.9", True])
    async def test_coverage_out_of_range_is_refused(self, trained: Trained, coverage: object) -> None:
        name = trained.models[Case("diabetes", "linear")]
        response = await trained.owner.post(
            f"/v1/models/{name}/predict", json={"features": {}, "coverage": coverage}
        )
        assert assert_problem(response, 422)["errors"][0]["pointer"] == "/body/coverage"


class TestPredictions:
    async def test_predictions_contain_requested_members_only(self, trained: Trained) -> None:
        name = trained.models[Case("penguins", "knn")]
        example = (await trained.owner.get(f"/v1/models/{name}/schema")).json()["example"]
        response = await trained.owner.post(f"/v1/models/{name}/predict", json=example)
        assert response.json().keys() == {"model", "prediction", "warnings", "warning_count"}

    async def test_predictions_of_several_rows_are_lists_and_replayed(self, trained: Trained) -> None:
        name = trained.models[Case("penguins", "logistic")]
        row = (await trained.owner.get(f"/v1/models/{name}/schema")).json()["example"]["features"]
        body = {"rows": [row] * 3, "probabilities": True, "coverage": 0.9}
        key = {"Idempotency-Key": "three-penguins"}
        first = await trained.owner.post(f"/v1/models/{name}/predict", json=body, headers=key)
        again = await trained.owner.post(f"/v1/models/{name}/predict", json=body, headers=key)
        assert [len(first.json()[member]) for member in ("predictions", "probabilities", "label_sets")] == [
            3
        ] * 3
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"


class TestReports:
    async def test_hostile_names_and_labels_are_escaped(self, trained: Trained) -> None:
        name = "<img src=x onerror=alert(1)>"
        rows = (f'{n},"{"<script>alert(2)</script>" if n % 2 else "a&b"}"' for n in range(60))
        model = await train(trained.owner, csv(f"{name},y", *rows), type="knn")
        response = await trained.owner.get(
            f"/v1/models/{model['name']}/report", headers={"Accept": "text/html,application/xhtml+xml"}
        )
        assert response.headers["Content-Type"].startswith("text/html")
        assert "<img" not in response.text
        assert "<script" not in response.text
        assert "sandbox" in response.headers["Content-Security-Policy"]

    async def test_unknown_report_format_is_refused(self, trained: Trained) -> None:
        name = trained.models[Case("wine", "knn")]
        response = await trained.owner.get(f"/v1/models/{name}/report", params={"format": "pdf"})
        assert_problem(response, 422)

    async def test_training_from_the_recipe_reproduces_the_metrics(self, trained: Trained) -> None:
        case = Case("seattle-weather", "random_forest")
        path = f"/v1/models/{trained.models[case]}/report"
        report = json.loads((await trained.owner.get(path)).text)
        recipe_spec = report["recipe"]["spec"]
        spec = {
            name: recipe_spec[name]
            for name in ("features", "label", "params", "train_fraction", "missing_label")
        }
        model = await train(trained.owner, shared(case.table), type=report["type"], **spec)
        received = {metric["name"]: metric["value"] for metric in report["metrics"]}
        assert model["metrics"] == pytest.approx(received, rel=1e-9, abs=1e-9)
        assert model["verdict"] == report["verdict"]


async def test_cut_of_another_column_is_found_in_dataset_report_and_page(user: Person) -> None:
    # Nobody weighs 2,450 to 2,550, so that each model finds the cut.
    weights = [2000 + n * 7919 % 1800 for n in range(300)]
    weights = [weight for weight in weights if not 2450 < weight < 2550]
    rows = (f"{n % 30},{weight},{int(weight < 2500)}" for n, weight in enumerate(weights))
    dataset_id = await upload(user, csv("age,weight,low", *rows))
    found = (await user.get(f"/v1/datasets/{dataset_id}/findings", params={"label": "low"})).json()
    assert [(finding["code"], finding["column"]) for finding in found["findings"]] == [("leakage", "weight")]
    spec = {"dataset_id": dataset_id, "type": "random_forest", "label": "low"}
    job = await ended(user, (await start(user, spec))["id"])
    url = f"/v1/models/{job['model_name']}/report"
    findings = {finding["code"]: finding for finding in (await user.get(url)).json()["findings"]}
    assert findings.keys() >= {"leakage", "too_good"}
    assert "'weight', the most important one" in findings["too_good"]["advice"]
    page = (await user.get(url, params={"format": "html"})).text
    assert "too good to be true" in page


async def test_mean_of_two_columns_is_found_in_dataset_and_report(user: Person) -> None:
    scores = [(600 + n * 7919 % 101, 600 + n * 104_729 % 97) for n in range(200)]
    rows = (f"{reading},{maths},{n % 9},{(reading + maths) / 2}" for n, (reading, maths) in enumerate(scores))
    dataset_id = await upload(user, csv("reading,maths,class_size,score", *rows))
    found = (await user.get(f"/v1/datasets/{dataset_id}/findings", params={"label": "score"})).json()
    [pair] = [finding for finding in found["findings"] if finding["code"] == "leakage_pair"]
    assert "with" in pair["detail"]
    assert {"'reading'", "'maths'"} <= set(pair["detail"].split())
    spec = {"dataset_id": dataset_id, "type": "linear", "label": "score"}
    job = await ended(user, (await start(user, spec))["id"])
    report = (await user.get(f"/v1/models/{job['model_name']}/report")).json()
    assert {"leakage_pair", "too_good"} <= {finding["code"] for finding in report["findings"]}
