"""Workbooks and JSON Lines through the service: uploads, corrections, trainings and batches."""

import csv
import io
import json
from typing import Any

import httpx
import pytest
from tests.integration.ml.service import ADA, DATA, PENGUIN, Service
from tests.support.hostile.workbooks import ENCRYPTED_OLE, cell_far_away
from tests.support.problems import assert_problem
from tests.support.tokens import bearer
from tests.support.workbooks import Failed, Rows, ods, rows_of_csv, xlsx

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PENGUINS = (DATA / "penguins.csv").read_bytes()
ROWS = rows_of_csv(PENGUINS, {"species", "island", "sex"})
NOTES: Rows = [["Notes"], ["species", "remark"], ["Adelie", "small"], ["Gentoo", "large"]]
JSON_LINES = "".join(
    f"{json.dumps(dict(zip(map(str, ROWS[0]), row, strict=True)))}\n".replace(".0,", ",").replace(".0}", "}")
    for row in ROWS[1:]
).encode()


async def post(service: Service, content: bytes, media_type: str) -> httpx.Response:
    headers = bearer(ADA) | {"Content-Type": media_type}
    return await service.client.post("/v1/datasets", content=content, headers=headers)


def codes(dataset: dict[str, Any]) -> set[str]:  # Any: JSON
    return {finding["code"] for finding in dataset["findings"]}


@pytest.mark.parametrize(
    ("content", "media_type", "format"),
    [
        (xlsx(ROWS), EXCEL, "workbook"),
        (ods(ROWS), "application/vnd.oasis.opendocument.spreadsheet", "workbook"),
        (JSON_LINES, "application/x-ndjson", "json"),
    ],
    ids=["xlsx", "ods", "json"],
)
async def test_upload_has_the_columns_of_the_same_csv(
    idle: Service, content: bytes, media_type: str, format: str
) -> None:
    expected = await idle.upload_bytes(PENGUINS)
    answer = await post(idle, content, media_type)
    assert answer.status_code == 201, answer.text
    dataset = answer.json()
    assert (dataset["format"], dataset["dialect"]) == (format, None)
    assert dataset["columns"] == expected["columns"]
    assert (dataset["rows"], dataset["suggested"]) == (expected["rows"], expected["suggested"])


async def test_sheet_is_a_setting_of_the_upload_and_of_corrections(idle: Service) -> None:
    content = xlsx(ROWS, NOTES, names=["Birds", "Notes"])
    form = {"file": ("birds.xlsx", content), "sheet": (None, "Notes"), "skip_top": (None, "1")}
    uploaded = await idle.client.post("/v1/datasets", files=form, headers=bearer(ADA))
    assert uploaded.status_code == 201, uploaded.text
    dataset = uploaded.json()
    assert [column["name"] for column in dataset["columns"]] == ["species", "remark"]
    assert dataset["reading"]["sheet"] == dataset["corrections"]["sheet"] == "Notes"
    assert dataset["sheets"] == ["Birds", "Notes"]
    url = f"/v1/datasets/{dataset['id']}"
    correction = {"reading": {"sheet": "Birds", "skip_top": 0}}
    corrected = await idle.client.patch(url, json=correction, headers=bearer(ADA))
    assert corrected.status_code == 200, corrected.text
    assert len(corrected.json()["columns"]) == len(ROWS[0])
    unknown = await idle.client.patch(url, json={"reading": {"sheet": "Fish"}}, headers=bearer(ADA))
    assert_problem(unknown, 422, "workbook_sheet_unknown")


async def test_findings_of_a_workbook_are_in_the_answer(idle: Service) -> None:
    rows: Rows = [["Birds"], ["a", "b"], [1, "x"], [Failed("#DIV/0!"), "y"], [3, None]]
    answer = await post(idle, xlsx(rows, NOTES, merged=["B4:B5"]), EXCEL)
    assert answer.status_code == 201, answer.text
    assert codes(answer.json()) >= {"other_sheets", "skipped_lines", "merged_cells", "missing_words"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (xlsx(ROWS)[:-300], "workbook_corrupt"),
        (ENCRYPTED_OLE, "workbook_encrypted"),
        (xlsx([["a", "a"], [1, 2]]), "csv_duplicate_header"),
        (cell_far_away('<dimension ref="A1:B9"/>'), "reader_died"),
        (b'{"a": 1}\n{"a": [2]}\n', "json_type_unsupported"),
        (b'{"a": 1}\n{"a": "x"}\n', "json_types_mixed"),
        (b'{"a": 1}\n{"a": 2\n', "json_corrupt"),
        (b'[{"a": 1}]', "csv_other_format"),
    ],
)
async def test_unreadable_file_is_refused_and_leaves_nothing(
    idle: Service, content: bytes, code: str
) -> None:
    assert_problem(await post(idle, content, "application/octet-stream"), 422, code)
    assert not idle.stored("uploads")


async def test_course_trains_on_a_workbook(service: Service) -> None:
    created = await service.client.post(
        "/create",
        data={"model_type": "logistic", "feature_cols": ",".join(PENGUIN), "label_col": "species"},
        files={"csv_file": ("penguins.xlsx", xlsx(ROWS), EXCEL)},
        headers=bearer(ADA),
    )
    assert created.status_code == 200, created.text
    answer = await service.client.post(
        f"/predict/{created.json()['model_name']}", json={"features": PENGUIN}, headers=bearer(ADA)
    )
    assert answer.json()["prediction"] == "Gentoo"


async def test_batch_of_a_workbook_is_csv_and_charged_like_any(idle: Service, model: str) -> None:
    answer = await idle.client.post(
        f"/v1/models/{model}/batch", content=xlsx(NOTES, ROWS), headers=bearer(ADA) | {"Content-Type": EXCEL}
    )
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(ROWS) - 1
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="predictions.csv"'
    assert (answer.headers["X-Tokens-Charged"], answer.headers["X-Rows-Failed"]) == ("5", "0")


async def test_batch_of_json_lines_is_json_lines(idle: Service, model: str) -> None:
    headers = bearer(ADA) | {"Content-Type": "application/x-ndjson"}
    answer = await idle.client.post(f"/v1/models/{model}/batch", content=JSON_LINES, headers=headers)
    assert answer.status_code == 200, answer.text
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert {row["prediction"] for row in rows} == {"Adelie", "Chinstrap", "Gentoo"}
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="predictions.jsonl"'
