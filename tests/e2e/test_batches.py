"""Files predicted and models exported through the gateway."""

import csv
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
from tests.support.people import Person, grant
from tests.support.problems import assert_problem
from tests.support.training import train

CSV = {"Content-Type": "text/csv"}


async def test_csv_file_is_returned_with_predictions(owner: Person, admin: Person, line_model: str) -> None:
    await grant(admin, owner, 100)
    before = await owner.balance()
    rows = "".join(f"{n},0\n" for n in range(2500))
    response = await owner.post(
        f"/v1/models/{line_model}/batch", content=f"x,noise\n{rows}far,0\n".encode(), headers=CSV
    )
    assert response.status_code == 200, response.text
    received = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert all(abs(float(row["prediction"]) - 3 * float(row["x"]) - 2) < 1e-6 for row in received[:-1])
    assert received[-1]["error"] == "'x': It must be a number."
    assert response.headers["X-Tokens-Charged"] == "15"
    assert await owner.balance() == before - 15 == int(response.headers["X-Tokens-Balance"])
    receipt = await owner.get(f"/v1/receipts/{response.headers['X-Receipt-Id']}")
    assert (receipt.json()["tokens"], receipt.json()["action"]) == (15, "batch")


async def test_parquet_form_is_returned_as_parquet(owner: Person, admin: Person, line_model: str) -> None:
    await grant(admin, owner, 5)
    sent = io.BytesIO()
    pq.write_table(pa.table({"x": [1, 2, None], "noise": [0, 0, 0], "note": ["a", "b", "c"]}), sent)
    response = await owner.post(
        f"/v1/models/{line_model}/batch", files={"file": ("rows.parquet", sent.getvalue())}
    )
    assert response.status_code == 200, response.text
    received = pq.read_table(io.BytesIO(response.content))
    assert received.column_names == ["x", "noise", "note", "prediction", "error"]
    assert received.column("note").to_pylist() == ["a", "b", "c"]


async def test_retried_batch_is_charged_once(user: Person) -> None:
    model = (await train(user))["name"]
    keyed = CSV | {"Idempotency-Key": "again"}
    responses = [
        await user.post(f"/v1/models/{model}/batch", content=b"x,noise\n1,1\n", headers=keyed) for _ in "ab"
    ]
    assert responses[0].content == responses[1].content
    assert responses[1].headers["Idempotency-Replayed"] == "true"
    assert await user.balance() == 15 - 1 - 5


async def test_file_without_the_models_columns_is_refused_and_free(owner: Person, line_model: str) -> None:
    before = await owner.balance()
    response = await owner.post(f"/v1/models/{line_model}/batch", content=b"y\n1\n", headers=CSV)
    assert assert_problem(response, 422, "batch_column_missing")["column"] == "x"
    assert await owner.balance() == before


async def test_model_export_is_a_complete_bundle(owner: Person, line_model: str) -> None:
    response = await owner.get(f"/v1/models/{line_model}/export")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as bundle:
        manifest = json.loads(bundle.read("MANIFEST.json"))
        assert {*manifest["files"], "MANIFEST.json", "MANIFEST.sig"} == set(bundle.namelist())
    assert manifest["model"] == line_model
    assert manifest["onnx"]["included"]
