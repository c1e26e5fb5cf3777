"""Tables of textbooks and examples, each from upload to batch with every model type, through the gateway."""

import csv
import io
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.people import Person, grant, new_user
from tests.support.tables import real_table
from tests.support.training import ended, start

Json = dict[str, Any]  # Any: decoded JSON

TYPES = ("linear", "logistic", "knn", "random_forest", "gradient_boosting")
BATCH_ROWS = 50
# With the time in the queue, on a busy machine.
TRAINING_SECONDS = 300
# Small forests save time where the size does not matter.
SMALL: dict[str, Json] = {"random_forest": {"n_estimators": 20}, "gradient_boosting": {"max_iter": 20}}


@dataclass(frozen=True)
class RealTable:
    """`suggested` are the sensible labels; most types learn the `label`, the others the `second` one.

    `default_forest` has the default parameters, whose memory depends on the rows.
    """

    name: str
    rows: int
    suggested: set[str]
    label: str
    second: str | None = None
    is_regression: bool = False
    default_forest: bool = False

    def specs(self) -> list[Json]:
        """Every model type once; a table without a label of the type's task lacks it."""
        special = "logistic" if self.is_regression else "linear"
        labels = {**dict.fromkeys(TYPES, self.label), special: self.second}
        return [self._spec(type, label) for type, label in labels.items() if label]

    def _spec(self, type: str, label: str) -> Json:
        small = {} if type == "random_forest" and self.default_forest else SMALL.get(type, {})
        is_regression = self.is_regression is (label == self.label)
        return {
            "type": type,
            "label": label,
            "params": small,
            "task": "regression" if is_regression else "classification",
            "missing_label": "drop",
        }


TABLES = [
    RealTable("penguins", 344, {"species"}, "species", "body_mass_g"),
    RealTable("cars", 406, {"Miles_per_Gallon", "Origin"}, "Miles_per_Gallon", "Origin", True),
    RealTable("seattle-weather", 1461, {"weather"}, "weather", "temp_max"),
    RealTable("wine", 178, {"target"}, "target", "proline"),
    RealTable("diabetes", 442, {"target"}, "target", None, True),
    RealTable("diamonds", 53_940, {"price", "cut"}, "price", "cut", True, default_forest=True),
    RealTable("titanic", 1316, {"survived"}, "survived"),
    RealTable("Housing", 546, {"price"}, "price", "prefarea", True),
    RealTable("Caschool", 420, {"testscr"}, "testscr", "grspan", True),
    RealTable("birthwt", 189, {"low", "bwt"}, "low", "bwt"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(http: httpx.AsyncClient, admin: Person) -> Person:
    person = await new_user(http)
    await grant(admin, person, 10_000)
    return person


async def upload(owner: Person, table: RealTable) -> Json:
    headers = {"Content-Type": "text/csv"}
    response = await owner.post("/v1/datasets", content=real_table(table.name), headers=headers)
    assert response.status_code in {200, 201}, response.text
    return response.json()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
class TestRealTable:
    async def test_label_is_suggested_right_or_not_at_all(self, owner: Person, table: RealTable) -> None:
        dataset = await upload(owner, table)
        assert dataset["rows"] == table.rows
        assert dataset["suggested"]["label"] in {*table.suggested, None}

    async def test_no_column_needs_a_decision(self, owner: Person, table: RealTable) -> None:
        findings = (await upload(owner, table))["findings"]
        assert [each for each in findings if each["code"] == "needs_decision"] == []

    @pytest.mark.timeout(2 * TRAINING_SECONDS)
    async def test_every_type_trains_reports_and_predicts(self, owner: Person, table: RealTable) -> None:
        dataset = await upload(owner, table)
        specs = [{"dataset_id": dataset["id"], **spec} for spec in table.specs()]
        jobs = [await start(owner, spec) for spec in specs]
        for spec, job in zip(specs, jobs, strict=True):
            job = await ended(owner, job["id"], TRAINING_SECONDS)
            assert job["state"] == "succeeded", (spec, job)
            await check_report(owner, job["model_name"], spec)
            await check_prediction(owner, job["model_name"])
            await check_batch(owner, job["model_name"], table)


async def check_report(owner: Person, model: str, spec: Json) -> None:
    response = await owner.get(f"/v1/models/{model}/report")
    assert response.status_code == 200, response.text
    report = response.json()
    assert (report["type"], report["label"], report["task"]) == (spec["type"], spec["label"], spec["task"])
    assert report["verdict"]
    assert report["metrics"]


async def check_prediction(owner: Person, model: str) -> None:
    schema = (await owner.get(f"/v1/models/{model}/schema")).json()
    response = await owner.post(f"/v1/models/{model}/predict", json=schema["example"])
    assert response.status_code == 200, response.text
    prediction = response.json()["prediction"]
    if schema["task"] == "classification":
        assert prediction in schema["classes"]
    else:
        assert isinstance(prediction, int | float)


async def check_batch(owner: Person, model: str, table: RealTable) -> None:
    """The first rows of the file as it is, with its label, come back in order with a prediction each."""
    content = b"".join(real_table(table.name).splitlines(keepends=True)[: BATCH_ROWS + 1])
    response = await owner.post(
        f"/v1/models/{model}/batch", content=content, headers={"Content-Type": "text/csv"}
    )
    assert response.status_code == 200, response.text
    sent, received = (list(csv.DictReader(io.StringIO(text))) for text in (content.decode(), response.text))
    assert [{name: row[name] for name in sent[0]} for row in received] == sent
    assert all(row["prediction"] and not row.get("error") for row in received)
