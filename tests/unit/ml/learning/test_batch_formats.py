"""Batches of workbooks and of JSON Lines, compared with those of the same rows as CSV."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.tables import DATA
from tests.support.workbooks import Cell, Failed, Rows, moment, ods, rows_of_csv, xlsx

from kit.errors import ServiceError
from ml_service.learning import batches
from ml_service.learning.batches import BatchTask
from ml_service.learning.predictors import DEFAULT_OPTIONS, PredictionOptions
from ml_service.learning.tables import DEFAULT_LIMITS, ColumnReading, Reading, read_table
from ml_service.learning.tables.row_stream import open_rows
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

FEATURES = ("island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year")
TEXTS = {"species", "island", "sex"}
Predict = Callable[..., tuple[batches.BatchResult, bytes]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("store")
    result = train(DATA / "penguins.csv", TrainingSpec("logistic", FEATURES, "species"), folder / "model")
    return folder, result.files


@pytest.fixture
def predict(store: tuple[Path, dict[str, str]]) -> Predict:
    """A function that counts and predicts rows; it returns the result and its bytes."""

    def count_and_predict(
        content: bytes, options: PredictionOptions = DEFAULT_OPTIONS
    ) -> tuple[batches.BatchResult, bytes]:
        folder, files = store
        (folder / "rows").write_bytes(content)
        task = BatchTask(f"file://{folder}", "rows", "model", files, options, DEFAULT_LIMITS)
        counted = batches.count_rows(task)
        result = batches.predict(task, "result")
        assert counted == len(rows_of((folder / "result").read_bytes()))
        return result, (folder / "result").read_bytes()

    return count_and_predict


def penguins() -> list[dict[str, Cell]]:
    header, *rows = rows_of_csv((DATA / "penguins.csv").read_bytes(), TEXTS)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def as_rows(cells: list[dict[str, Cell]]) -> Rows:
    return [list(cells[0]), *(list(row.values()) for row in cells)]


def rows_of(output: bytes) -> list[dict[str, Any]]:
    text = output.decode("utf-8-sig")
    if text.startswith("{"):
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def predictions(output: bytes) -> list[str]:
    return [row["prediction"] for row in rows_of(output)]


@pytest.mark.parametrize("write", [xlsx, ods])
def test_workbook_has_the_predictions_of_the_same_csv(write: Callable[..., bytes], predict: Predict) -> None:
    expected, as_csv = predict((DATA / "penguins.csv").read_bytes())
    result, output = predict(write(as_rows(penguins())))
    assert predictions(output) == predictions(as_csv)
    assert (result.good, result.scores) == (expected.good, expected.scores)


def test_json_lines_have_the_predictions_of_the_same_csv(predict: Predict) -> None:
    expected, as_csv = predict((DATA / "penguins.csv").read_bytes())
    content = "".join(f"{json.dumps(row)}\n" for row in penguins()).encode()
    result, output = predict(content)
    assert predictions(output) == predictions(as_csv)
    assert (result.good, result.scores) == (expected.good, expected.scores)
    assert (result.format.media_type, result.format.suffix) == ("application/x-ndjson", "jsonl")


def test_workbook_gives_csv_that_spreadsheets_open(predict: Predict) -> None:
    row: dict[str, Cell] = {**penguins()[0], "day": moment(2025, 1, 2), "seen": True, "note": Failed("#N/A")}
    result, output = predict(xlsx([["Penguins"], [], *as_rows([row, row])]))
    assert (result.format.media_type, result.format.suffix) == ("text/csv; charset=utf-8", "csv")
    assert output.startswith(b"\xef\xbb\xbfspecies,island,")
    written = rows_of(output)[1]
    assert (written["bill_length_mm"], written["year"]) == ("39.1", "2007")
    assert (written["day"], written["seen"], written["note"]) == ("2025-01-02", "TRUE", "#N/A")


def test_row_of_a_workbook_with_an_unusable_cell_has_an_error(predict: Predict) -> None:
    cells = penguins()[:3]
    cells[1] = {**cells[1], "body_mass_g": "heavy", "island": "Atlantis"}
    cells[2] = {**cells[2], "body_mass_g": Failed("#DIV/0!"), "year": "2007"}
    result, output = predict(xlsx(as_rows(cells)))
    assert [row["error"] for row in rows_of(output)] == ["", "'body_mass_g': It must be a number.", ""]
    assert result.good == 2


def test_sheet_with_the_features_is_read(predict: Predict) -> None:
    notes: Rows = [["note", "by"], ["first", "me"], ["second", "me"]]
    _, output = predict(xlsx(notes, as_rows(penguins()[:2])))
    assert predictions(output) == ["Adelie", "Adelie"]


def test_sheet_with_a_single_feature_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(xlsx([["note", "by"], ["first", "me"]], [["x"], [1], [2]]))
    stream = open_rows(path, DEFAULT_LIMITS, {"x"})
    assert (stream.names, stream.count()) == (("x",), 2)


def test_workbook_without_the_features_names_a_missing_column(predict: Predict) -> None:
    with pytest.raises(ServiceError) as caught:
        predict(xlsx([["note", "by"], ["first", "me"]]))
    assert caught.value.code == "batch_column_missing"


def test_json_lines_keep_what_was_sent(predict: Predict) -> None:
    row = json.dumps(penguins()[0])[:-1]
    content = f'{row}, "id": 123456789012345678901234567890 }}\n\n{row}, "unit": "é"}}'.encode()
    _, output = predict(content, PredictionOptions(probabilities=True))
    lines = output.decode().splitlines()
    assert lines[0].startswith(f'{row}, "id": 123456789012345678901234567890, "prediction":"Adelie",')
    assert [sorted(row) for row in rows_of(output)] == [
        sorted([*penguins()[0], own, "prediction", *probabilities(), "error", "unknown_categories"])
        for own in ("id", "unit")
    ]
    assert rows_of(output)[1]["error"] is None


def probabilities() -> list[str]:
    return [f"probability_{species}" for species in ("Adelie", "Chinstrap", "Gentoo")]


def test_row_of_json_lines_without_a_key_counts_as_missing(predict: Predict) -> None:
    cells = penguins()[:3]
    without = {name: cell for name, cell in cells[1].items() if name != "body_mass_g"}
    unusable = {**cells[2], "year": 2.0, "island": "Atlantis"}
    content = "".join(f"{json.dumps(row)}\n" for row in (cells[0], without, unusable)).encode()
    result, output = predict(content)
    assert [row["error"] for row in rows_of(output)] == [None, None, None]
    assert (result.good, result.unknown) == (3, 1)


def test_number_that_is_a_word_for_missing_is_missing_in_a_workbook_too(tmp_path: Path) -> None:
    rows: Rows = [["x", "y"], *([n, 2 * n] for n in range(40)), [-999, 7]]
    table = tmp_path / "table"
    table.write_bytes(xlsx(rows))
    reading = Reading(columns={"x": ColumnReading(missing=("-999",))})
    assert read_table(table, reading=reading).columns["x"].missing == 1
    spec = TrainingSpec("linear", ("x",), "y", reading=reading)
    result = train(table, spec, tmp_path / "model")
    (tmp_path / "rows").write_bytes(xlsx([["x"], [None], [-999]]))
    task = BatchTask(f"file://{tmp_path}", "rows", "model", result.files, DEFAULT_OPTIONS, DEFAULT_LIMITS)
    batches.predict(task, "result")
    first, second = predictions((tmp_path / "result").read_bytes())
    assert first == second
