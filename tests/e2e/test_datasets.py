"""`/v1/datasets`: upload, inspect, preview and delete."""

import gzip
import hashlib
import io

import pandas as pd
import pytest
from tests.support.people import Person
from tests.support.problems import assert_problem
from tests.support.tables import csv, line_table, shared
from tests.support.training import train, upload

CSV = {"Content-Type": "text/csv"}
SMALL = csv("x,word,none,day", "1,7,,2026-01-01", "2,secret,,2026-01-02", "3,9x,,2026-01-03")


class TestUpload:
    async def test_upload_returns_the_profile(self, user: Person) -> None:
        table = shared("penguins")
        response = await user.post("/v1/datasets", content=table, headers=CSV)
        assert response.status_code == 201
        body = response.json()
        assert body["rows"] == 344
        assert body["sha256"] == hashlib.sha256(table).hexdigest()
        assert body["size_bytes"] == len(table)
        kinds = {column["name"]: column["kind"] for column in body["columns"]}
        assert (kinds["species"], kinds["body_mass_g"]) == ("text", "number")
        assert response.headers["location"] == f"/v1/datasets/{body['id']}"

    async def test_upload_accepts_a_form(self, user: Person) -> None:
        response = await user.post("/v1/datasets", files={"file": ("line.csv", line_table(), "text/csv")})
        assert (response.status_code, response.json()["name"]) == (201, "line.csv")

    async def test_upload_accepts_gzip(self, user: Person) -> None:
        response = await user.post("/v1/datasets", content=gzip.compress(line_table()), headers=CSV)
        assert response.json()["rows"] == 40

    async def test_upload_is_free(self, user: Person) -> None:
        await upload(user)
        assert await user.balance() == 15

    async def test_same_file_is_stored_once(self, user: Person) -> None:
        assert await upload(user) == await upload(user)

    async def test_same_file_of_another_user_is_another_dataset(
        self, user: Person, bystander: Person
    ) -> None:
        assert await upload(user) != await upload(bystander)

    async def test_retried_upload_is_replayed(self, user: Person) -> None:
        headers = {**CSV, "Idempotency-Key": "once"}
        first = await user.post("/v1/datasets", content=line_table(), headers=headers)
        again = await user.post("/v1/datasets", content=line_table(), headers=headers)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"

    async def test_same_key_with_another_file_is_422(self, user: Person) -> None:
        headers = {**CSV, "Idempotency-Key": "once"}
        await user.post("/v1/datasets", content=line_table(), headers=headers)
        response = await user.post("/v1/datasets", content=line_table(50), headers=headers)
        assert_problem(response, 422, "idempotency_key_reused")


class TestInspection:
    async def test_inspection_reports_columns_and_findings(self, user: Person) -> None:
        rows = (f"{n + 1},{n % 7},{'yes' if n % 7 > 3 else 'no'}" for n in range(60))
        body = (await user.post("/v1/datasets", content=csv("id,x,passed", *rows), headers=CSV)).json()
        assert body["dialect"]["delimiter"] == ","
        assert body["columns"][1]["quantiles"] == {"min": 0, "p25": 1, "median": 3, "p75": 5, "max": 6}
        assert body["columns"][2]["top_values"] == [
            {"value": "no", "count": 36},
            {"value": "yes", "count": 24},
        ]
        assert [(finding["code"], finding["column"]) for finding in body["findings"]] == [("id_like", "id")]
        assert body["suggested"] == {"label": "passed", "features": ["x"]}
        url = f"/v1/datasets/{body['id']}"
        assert (await user.get(url)).json() == body
        findings = (await user.get(f"{url}/findings", params={"label": "passed"})).json()["findings"]
        assert [(finding["code"], finding["column"]) for finding in findings] == [("leakage", "x")]

    async def test_parquet_trains_the_same_model_as_csv(self, user: Person) -> None:
        packed = io.BytesIO()
        pd.read_csv(io.BytesIO(shared("penguins"))).to_parquet(packed)
        of_csv = await train(user, shared("penguins"), type="logistic", label="species")
        of_parquet = await train(user, packed.getvalue(), type="logistic", label="species")
        assert of_parquet["metrics"] == of_csv["metrics"]

    async def test_corrected_column_type_is_in_the_models_schema(self, user: Person) -> None:
        table = csv("code,x,y", *(f"{500 + n % 4},{n % 9},{n % 4}" for n in range(60)))
        dataset_id = await upload(user, table)
        response = await user.patch(f"/v1/datasets/{dataset_id}", json={"kinds": {"code": "text"}})
        assert [column["kind"] for column in response.json()["columns"]] == ["text", "number", "number"]
        assert len(response.json()["columns"][0]["top_values"]) == 4
        model = await train(user, table, type="logistic")
        schema = (await user.get(f"/v1/models/{model['name']}/schema")).json()
        assert schema["features"][0]["categories"] == ["500", "501", "502", "503"]

    @pytest.mark.parametrize(
        ("kinds", "code", "says"),
        [
            ({"word": "number"}, "csv_text_in_number_column", "Line 3, column 'word'"),
            ({"x": "date"}, "csv_text_in_date_column", "Line 2, column 'x'"),
            ({"other": "text"}, "unknown_column", "'other'"),
            ({"none": "text"}, "empty_column", "'none'"),
            ({"x": "empty"}, "invalid_input", "kinds"),
            ({}, "invalid_input", "kinds"),
        ],
    )
    async def test_impossible_column_type_is_refused(
        self, bystander: Person, kinds: dict[str, str], code: str, says: str
    ) -> None:
        dataset_id = await upload(bystander, SMALL)
        response = await bystander.patch(f"/v1/datasets/{dataset_id}", json={"kinds": kinds})
        assert_problem(response, 422, code)
        assert says in response.text
        assert "secret" not in response.text

    @pytest.mark.parametrize(
        ("label", "code"), [("other", "unknown_column"), ("none", "empty_column"), ("day", "date_label")]
    )
    async def test_findings_for_an_unknown_label_are_refused(
        self, bystander: Person, label: str, code: str
    ) -> None:
        dataset_id = await upload(bystander, SMALL)
        response = await bystander.get(f"/v1/datasets/{dataset_id}/findings", params={"label": label})
        assert_problem(response, 422, code)


async def test_datasets_are_listed_newest_first(user: Person) -> None:
    older = await upload(user, line_table(41))
    newer = await upload(user, line_table(42))
    datasets = (await user.get("/v1/datasets")).json()["items"]
    assert [dataset["id"] for dataset in datasets] == [newer, older]


async def test_preview_shows_the_first_rows(user: Person) -> None:
    dataset_id = await upload(user)
    body = (await user.get(f"/v1/datasets/{dataset_id}/preview")).json()
    assert body["columns"] == ["x", "noise", "y"]
    assert body["rows"][:2] == [[0, 0, 2], [1, 2, 5]]


async def test_deleted_dataset_is_404(user: Person) -> None:
    dataset_id = await upload(user)
    assert (await user.delete(f"/v1/datasets/{dataset_id}")).status_code == 204
    assert_problem(await user.get(f"/v1/datasets/{dataset_id}"), 404)


@pytest.mark.parametrize(
    ("method", "more"), [("GET", ""), ("GET", "/preview"), ("GET", "/findings?label=y"), ("DELETE", "")]
)
async def test_dataset_of_another_user_is_404(
    user: Person, bystander: Person, method: str, more: str
) -> None:
    dataset_id = await upload(user)
    assert_problem(await bystander.request(method, f"/v1/datasets/{dataset_id}{more}"), 404)
    assert (await user.get(f"/v1/datasets/{dataset_id}")).status_code == 200
