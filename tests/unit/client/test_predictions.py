"""Predictions of rows: numbers for features of text, and the rows of a predicted file."""

import json
from pathlib import Path

import httpx
import pandas
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok, problem

from farebox.command.predicted_rows import PredictedRows, read_predicted
from farebox.errors import InvalidArgument, InvalidInput
from farebox.results.predictions import PredictedFile

PREDICT, SCHEMA = ("POST", "/v1/models/1_m/predict"), ("GET", "/v1/models/1_m/schema")
SEVERAL = ok({"model": "1_m", "predictions": [1.5, 2.5], "warnings": [], "warning_count": 0})
REFUSED = problem(422, "invalid_feature", "Row 1, 'grade': It must be text.", feature="grade", row=1)
FEATURES = [{"name": "grade", "kind": "text"}, {"name": "hours", "kind": "number"}]
MODEL_SCHEMA = {
    "name": "1_m",
    "task": "regression",
    "label": "y",
    "classes": [],
    "features": FEATURES,
    "example": {"features": {}},
}
CSV, JSON_LINES = "text/csv; charset=utf-8", "application/x-ndjson"
PARQUET = "application/vnd.apache.parquet"
FRAME = pandas.DataFrame({"grade": [1, 2], "hours": [3, 4]})


def bodies(gateway: Gateway) -> list[dict[str, object]]:
    return [json.loads(request.content) for request in gateway.requests_to(*PREDICT)]


def test_numbers_for_a_text_feature_are_sent_again_as_texts(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*PREDICT, REFUSED, SEVERAL)
    gateway.on(*SCHEMA, ok(MODEL_SCHEMA))
    predicted = caller.run(lambda client: client.predictions.many("1_m", FRAME, idempotency_key="k"))

    assert predicted.predictions == [1.5, 2.5]
    assert [body["rows"] for body in bodies(gateway)] == [
        [{"grade": 1, "hours": 3}, {"grade": 2, "hours": 4}],
        [{"grade": "1", "hours": 3}, {"grade": "2", "hours": 4}],
    ]
    keys = [request.headers["Idempotency-Key"] for request in gateway.requests_to(*PREDICT)]
    assert keys == ["k", "k-texts"]


def test_schema_is_not_requested_without_a_refusal(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*PREDICT, SEVERAL)
    caller.run(lambda client: client.predictions.many("1_m", FRAME))

    assert len(gateway.requests) == 1


def test_refusal_of_another_cell_is_raised(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*PREDICT, problem(422, "invalid_feature", "Row 1, 'hours': It must be a number."))
    gateway.on(*SCHEMA, ok(MODEL_SCHEMA))
    with pytest.raises(InvalidInput, match="hours"):
        caller.run(lambda client: client.predictions.one("1_m", {"grade": "1", "hours": "x"}))
    assert len(bodies(gateway)) == 1


def test_key_that_may_predict_only_gets_the_refusal(caller: Caller, gateway: Gateway) -> None:
    gateway.on(*PREDICT, REFUSED)
    gateway.on(*SCHEMA, problem(403, "forbidden"))
    with pytest.raises(InvalidInput, match="must be text"):
        caller.run(lambda client: client.predictions.many("1_m", FRAME), api_key="fbx_k")


def test_batch_has_scores_and_unknown_rows(caller: Caller, gateway: Gateway, tmp_path: Path) -> None:
    headers = {
        "Content-Type": "text/csv; charset=cp1252",
        "X-Rows": "3",
        "X-Rows-Failed": "0",
        "X-Rows-Unknown-Category": "2",
        "X-Scores": '{"rows":3,"accuracy":0.5}',
    }
    gateway.on("POST", "/v1/models/1_m/batch", httpx.Response(200, headers=headers, content=b""))
    predicted = caller.run(lambda client: client.models.batch("1_m", b"x\n1\n", tmp_path / "out.csv"))

    assert (predicted.unknown, predicted.scores) == (2, {"rows": 3, "accuracy": 0.5})
    assert predicted.media_type == "text/csv; charset=cp1252"


def predicted_file(path: Path, text: str, charset: str = "utf-8") -> PredictedFile:
    path.write_bytes(text.replace("\n", "\r\n").encode(charset))
    return PredictedFile(path=path, rows=1, failed=0, media_type=f"text/csv; charset={charset}")


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_predicted_file_is_read_in_its_dialect(charset: str, delimiter: str, tmp_path: Path) -> None:
    rows = [["größe", "note", "prediction", "error"], ["1", '"a,b;\tc|"', "é", ""], ["2", "", "z", ""]]
    text = "".join(delimiter.join(row) + "\n" for row in rows)
    file = predicted_file(tmp_path / "out.csv", text, charset)
    if charset == "utf-8-sig":
        file = file.model_copy(update={"media_type": "text/csv; charset=utf-8"})

    assert file.read() == [
        {"größe": "1", "note": "a,b;\tc|", "prediction": "é", "error": ""},
        {"größe": "2", "note": "", "prediction": "z", "error": ""},
    ]
    assert len(file.read(1)) == 1


def test_predicted_file_of_another_format_is_not_read(tmp_path: Path) -> None:
    file = PredictedFile(path=tmp_path / "out.parquet", rows=1, failed=0, media_type=PARQUET)
    with pytest.raises(InvalidArgument, match=r"out\.parquet is neither CSV nor JSON Lines"):
        file.read()


def test_predicted_json_lines_are_read_as_texts_by_column(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_bytes(
        b'{"id": 12345678901234567890,\r "x": 1.50, "prediction":1,"error":null}\n'
        b'{"id": 2, "ok": true, "prediction":null,"error":"\'x\': It must be a number."}\n'
        b'{"prediction":2,"error":null}\n'
    )
    file = PredictedFile(path=path, rows=3, failed=1, media_type=JSON_LINES)

    rows = file.read()

    assert list(rows[0]) == ["id", "x", "ok", "prediction", "error"]
    assert [row["id"] for row in rows] == ["12345678901234567890", "2", ""]
    assert [row["x"] for row in rows] == ["1.50", "", ""]
    assert [row["ok"] for row in rows] == ["", "true", ""]
    assert file.read(1) == [{"id": rows[0]["id"], "x": "1.50", "prediction": "1", "error": ""}]
    predicted = read_predicted("1_m", file, {"1": 1, "2": 2})
    assert predicted.predictions == [1, None, 2]
    assert [error.row for error in predicted.errors] == [2]


@pytest.mark.parametrize(
    ("source", "media_type", "name"),
    [
        ("rows.csv", CSV, "rows.predicted.csv"),
        ("rows.CSV.GZ", CSV, "rows.predicted.CSV"),
        ("rows.tsv", CSV, "rows.predicted.tsv"),
        ("rows.2024", CSV, "rows.2024.predicted.csv"),
        ("rows", CSV, "rows.predicted.csv"),
        ("rows.XLSX", CSV, "rows.predicted.csv"),
        ("rows.ods", CSV, "rows.predicted.csv"),
        ("rows.csv", PARQUET, "rows.predicted.parquet"),
        ("rows.jsonl.gz", JSON_LINES, "rows.predicted.jsonl"),
        ("rows.json", JSON_LINES, "rows.predicted.json"),
        ("rows.txt", JSON_LINES, "rows.predicted.jsonl"),
        ("rows.txt", "application/x-other", "rows.predicted"),
    ],
)
def test_predicted_file_is_named_by_its_format(source: str, media_type: str, name: str) -> None:
    file = PredictedFile(path=Path("out"), rows=1, failed=0, media_type=media_type)
    assert file.name_after(source) == name


def read(tmp_path: Path, text: str, classes: dict[str, str | int] | None) -> PredictedRows:
    return read_predicted("1_m", predicted_file(tmp_path / "out.csv", text), classes, 0.9)


def test_classes_of_a_predicted_file_have_their_type(tmp_path: Path) -> None:
    text = (
        "low;prediction;probability_1;probability_2;label_set;error;unknown_categories\n"
        '7;1;0,75;0,25;"[1,2]";;town; day\n'
        "8;;;;;'low': It must be a number.;\n"
    ).replace(";town; day", ';"town; day"')
    predicted = read(tmp_path, text, {"1": 1, "2": 2})

    assert predicted.predictions == [1, None]
    assert predicted.probabilities == [{"1": 0.75, "2": 0.25}, None]
    assert predicted.label_sets == [[1, 2], None]
    assert predicted.intervals is None
    assert [(error.row, error.detail) for error in predicted.errors] == [(2, "'low': It must be a number.")]
    assert [(warning.row, warning.feature) for warning in predicted.warnings] == [(1, "town"), (1, "day")]


def test_numbers_of_a_predicted_file_are_read_with_their_decimal_comma(tmp_path: Path) -> None:
    text = "x;prediction;low;high;error\n1;2,5;-1,5;6,5;\n"
    predicted = read(tmp_path, text, {})

    assert predicted.predictions == [2.5]
    assert predicted.intervals is not None
    assert predicted.intervals[0] is not None
    assert (predicted.intervals[0].low, predicted.intervals[0].high) == (-1.5, 6.5)


def test_labels_of_unknown_classes_stay_texts(tmp_path: Path) -> None:
    assert read(tmp_path, "x,prediction,error\n1,007,\n", None).predictions == ["007"]
