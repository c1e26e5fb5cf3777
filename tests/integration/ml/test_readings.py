"""Readings of datasets: settings in forms, corrections, dry runs, and decisions before a training."""

import json
from pathlib import Path

import httpx
import pytest
from tests.integration.ml.service import ADA, Json, Service
from tests.support.tables import csv
from tests.support.tokens import bearer

DOSES = csv("dose,y", *(f"{'<0.05' if n % 4 == 0 else n / 10},{n % 2}" for n in range(80)))
AMBIGUOUS = csv("day,y", *(f"0{1 + n % 9}/0{1 + n % 5}/2025,{n % 2}" for n in range(60)))


async def upload(service: Service, content: bytes, **settings: str) -> httpx.Response:
    files = {"file": ("table.csv", content)}
    return await service.client.post("/v1/datasets", files=files, data=settings, headers=bearer(ADA))


async def patch(service: Service, dataset: Json, reading: Json, **query: str) -> httpx.Response:
    url = f"/v1/datasets/{dataset['id']}"
    return await service.client.patch(url, json={"reading": reading}, params=query, headers=bearer(ADA))


async def train(service: Service, dataset: Json, label: str = "y") -> httpx.Response:
    body = {"dataset_id": dataset["id"], "type": "logistic", "label": label}
    return await service.client.post("/v1/models", json=body, headers=bearer(ADA))


async def show(service: Service, dataset: Json) -> Json:
    return (await service.client.get(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))).json()


def stored_files(service: Service) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (service.store / "uploads").iterdir()}


def codes(dataset: Json) -> set[str]:
    return {finding["code"] for finding in dataset["findings"]}


async def test_detected_settings_are_part_of_the_dataset(idle: Service) -> None:
    dataset = (await upload(idle, csv("a;b", *(f"{n},5;x" for n in range(20))))).json()
    reading = dataset["reading"]
    assert (reading["delimiter"], reading["encoding"], reading["header"]) == (";", "utf-8", True)
    assert reading["columns"]["a"] == {"type": "number", "decimal": ","}
    assert dataset["corrections"] == {"columns": {}}


async def test_settings_in_the_form_replace_detected_ones(idle: Service) -> None:
    columns = json.dumps({"b": {"type": "text"}})
    answer = await upload(idle, b"title\na|b\n1|2\n3|4\n", delimiter="|", skip_top="1", columns=columns)
    assert answer.status_code == 201, answer.text
    dataset = answer.json()
    assert [(column["name"], column["type"]) for column in dataset["columns"]] == [
        ("a", "whole"),
        ("b", "text"),
    ]
    assert dataset["corrections"]["skip_top"] == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("delimiter", "ab"),
        ("encoding", "klingon"),
        ("skip_top", "-1"),
        ("skip_top", "one"),
        ("columns", '{"a": {"type": "colour"}}'),
        ("columns", '{"a": {"type": "date", "format": "%d%d"}}'),
        ("header", "maybe"),
    ],
)
async def test_unusable_setting_in_the_form_is_refused(idle: Service, field: str, value: str) -> None:
    answer = await upload(idle, csv("a,b", "1,2"), **{field: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "field_unusable")
    assert answer.json()["field"] == field
    assert not idle.stored("uploads")


async def test_settings_of_a_second_upload_correct_the_dataset(idle: Service) -> None:
    first = (await upload(idle, AMBIGUOUS)).json()
    assert "ambiguous_dates" in codes(first)
    columns = json.dumps({"day": {"type": "date", "format": "%d/%m/%Y"}})
    second = await upload(idle, AMBIGUOUS, columns=columns)
    assert (second.status_code, second.json()["id"]) == (200, first["id"])
    assert (await show(idle, first))["reading"]["columns"]["day"]["format"] == "%d/%m/%Y"


async def test_correction_reads_the_file_again(idle: Service) -> None:
    dataset = (await upload(idle, AMBIGUOUS)).json()
    corrected = await patch(idle, dataset, {"columns": {"day": {"type": "date", "format": "%d/%m/%Y"}}})
    assert corrected.status_code == 200, corrected.text
    assert "ambiguous_dates" not in codes(corrected.json())
    assert corrected.json() == await show(idle, dataset)


async def test_corrections_add_up(idle: Service) -> None:
    dataset = (await upload(idle, DOSES)).json()
    await patch(idle, dataset, {"columns": {"dose": {"exceptions": "missing"}}})
    await patch(idle, dataset, {"columns": {"y": {"type": "text"}}})
    types = {column["name"]: column["type"] for column in (await show(idle, dataset))["columns"]}
    assert types == {"dose": "number", "y": "text"}


async def test_dry_run_shows_a_preview_and_stores_nothing(idle: Service) -> None:
    dataset = (await upload(idle, AMBIGUOUS)).json()
    files = stored_files(idle)
    settings = {"columns": {"day": {"type": "date", "format": "%d/%m/%Y"}}}
    tried = (await patch(idle, dataset, settings, dry_run="true")).json()
    assert tried["reading"]["columns"]["day"]["format"] == "%d/%m/%Y"
    assert tried["preview"]["rows"][1][0] == "2025-02-02 00:00:00"
    assert await show(idle, dataset) == dataset
    assert stored_files(idle) == files


async def test_setting_of_an_unknown_column_is_refused(idle: Service) -> None:
    dataset = (await upload(idle, DOSES)).json()
    answer = await patch(idle, dataset, {"columns": {"other": {"type": "text"}}})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_column")


class TestDecisions:
    async def test_column_with_exceptions_is_stored_with_their_lines(self, idle: Service) -> None:
        dataset = (await upload(idle, DOSES)).json()
        (finding,) = [each for each in dataset["findings"] if each["code"] == "needs_decision"]
        assert (finding["column"], finding["severity"]) == ("dose", "serious")
        assert "lines 2, 6, 10, 14, 18 and others" in finding["detail"]
        assert [column["needs_decision"] for column in dataset["columns"]] == [True, False]

    async def test_training_on_it_is_refused_with_the_ways_out(self, idle: Service) -> None:
        refused = await train(idle, (await upload(idle, DOSES)).json())
        body = refused.json()
        assert (refused.status_code, body["code"], body["line"]) == (422, "needs_decision", 2)
        for way in ("missing", "text", "left out"):
            assert way in body["detail"]

    async def test_training_without_it_is_accepted(self, idle: Service) -> None:
        dataset = (await upload(idle, DOSES)).json()
        await patch(idle, dataset, {"columns": {"dose": {"type": "omitted"}}})
        refused = await train(idle, dataset)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_features")

    @pytest.mark.parametrize("way", [{"exceptions": "missing"}, {"type": "text"}])
    async def test_training_after_the_decision_is_accepted(self, idle: Service, way: Json) -> None:
        dataset = (await upload(idle, DOSES)).json()
        decided = (await patch(idle, dataset, {"columns": {"dose": way}})).json()
        assert "needs_decision" not in codes(decided)
        assert (await train(idle, dataset)).status_code == 202


class TestCourse:
    async def test_column_with_exceptions_is_refused_with_line_and_column(self, idle: Service) -> None:
        refused = await create(idle, DOSES, ["dose"])
        body = refused.json()
        assert (refused.status_code, body["line"], body["column"]) == (422, 2, "dose")

    async def test_corrections_of_a_dataset_do_not_reach_create(self, service: Service) -> None:
        table = csv("zip,y", *(f"{10_000 + n % 5},{n % 2}" for n in range(60)))
        dataset = (await upload(service, table)).json()
        await patch(service, dataset, {"columns": {"zip": {"type": "text"}}})
        created = await create(service, table, ["zip"])
        assert created.status_code == 200, created.text
        url = f"/v1/models/{created.json()['model_name']}/schema"
        schema = (await service.client.get(url, headers=bearer(ADA))).json()
        assert [feature["kind"] for feature in schema["features"]] == ["number"]
        assert (await show(service, dataset))["columns"][0]["type"] == "text"

    async def test_retry_after_the_dataset_was_deleted_receives_the_first_answer(
        self, service: Service
    ) -> None:
        table = csv("x,y", *(f"{n},{n % 2}" for n in range(60)))
        first = await create(service, table, ["x"], key="once")
        (dataset,) = (await service.client.get("/v1/datasets", headers=bearer(ADA))).json()["items"]
        deleted = await service.client.delete(f"/v1/datasets/{dataset['id']}", headers=bearer(ADA))
        assert deleted.status_code == 204
        again = await create(service, table, ["x"], key="once")
        assert (again.status_code, again.json()) == (200, first.json())
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await create(service, table + b"61,1\n", ["x"], key="once")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    async def test_names_with_blanks_are_those_of_the_header(self, service: Service) -> None:
        table = csv(" Duration, Packets, Label", *(f"{n},{n % 7},{'AB'[n % 2]}" for n in range(60)))
        created = await create(service, table, [" Duration", "Packets"], label=" Label")
        assert created.status_code == 200, created.text
        features = {" Duration": 5, "Packets ": 2}
        predicted = await service.client.post(
            f"/predict/{created.json()['model_name']}", json={"features": features}, headers=bearer(ADA)
        )
        assert predicted.status_code == 200, predicted.text


async def create(
    service: Service, table: bytes, features: list[str], key: str | None = None, label: str = "y"
) -> httpx.Response:
    headers = bearer(ADA) | ({} if key is None else {"Idempotency-Key": key})
    form = {"model_type": "logistic", "feature_cols": json.dumps(features), "label_col": label}
    files = {"csv_file": ("table.csv", table)}
    return await service.client.post("/create", data=form, files=files, headers=headers)
