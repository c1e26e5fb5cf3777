"""Batches with a model of the penguins: results, errors of rows, refusals."""

import csv
import datetime
import decimal
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.tables import DATA

from kit.errors import ServiceError
from ml_service.learning import batches
from ml_service.learning.batches import MOST_ROWS_AT_ONCE, BatchSpec, BatchTask, rows_at_once
from ml_service.learning.predictors import DEFAULT_OPTIONS, PredictionOptions, load
from ml_service.learning.tables import DEFAULT_LIMITS, UploadChanged, UploadMissing
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

FEATURES = ("island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex", "year")
HEADER = ",".join(FEATURES)
ADELIE = "Torgersen,39.1,18.7,181,3750,male,2007"

Predict = Callable[..., tuple[batches.BatchResult, bytes]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store with a model of the penguins in it, and the digests of its files."""
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
        batches.count_rows(task)
        return batches.predict(task, "result"), (folder / "result").read_bytes()

    return count_and_predict


def rows_of(output: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output.decode(), newline=""), delimiter=delimiter))


def refusal(predict: Predict, content: bytes, **options: Any) -> str:  # Any: fields of PredictionOptions
    with pytest.raises(ServiceError) as refused:
        predict(content, PredictionOptions(**options))
    return refused.value.code


def test_rows_remain_in_order_with_their_predictions(
    predict: Predict, store: tuple[Path, dict[str, str]]
) -> None:
    content = (DATA / "penguins.csv").read_bytes()
    result, output = predict(content)
    sent, predicted = rows_of(content), rows_of(output)
    added = {"prediction": "", "error": "", "unknown_categories": ""}
    assert [row | added for row in sent] == [row | {"prediction": ""} for row in predicted]
    predictor = load(store[0] / "model", store[1])
    features = [{name: row[name] for name in FEATURES} for row in sent]
    assert [row["prediction"] for row in predicted] == predictor.predict(features).values
    assert result.good == len(sent)


def test_unusable_row_has_an_error_and_no_prediction(predict: Predict) -> None:
    lines = [HEADER, ADELIE, "Biscoe,long,18.7,181,3750,male,2007", "Biscoe,39.1", f"{ADELIE},more", ADELIE]
    result, output = predict("\n".join(lines).encode())
    predicted = rows_of(output)
    assert result.good == 2
    assert [row["prediction"] for row in predicted] == ["Adelie", "", "", "", "Adelie"]
    assert [row["error"] for row in predicted] == [
        "",
        "'bill_length_mm': It must be a number.",
        "The row has 2 fields, the header 7.",
        "The row has 8 fields, the header 7.",
        "",
    ]
    assert predicted[1]["bill_length_mm"] == "long"


def test_cells_with_delimiters_quotes_and_line_breaks_are_unchanged(predict: Predict) -> None:
    notes = ["a,b", 'say "x"', "two\nlines", "carriage\rreturn", " blanks "]
    sent = io.StringIO(newline="")
    csv.writer(sent).writerows([[*FEATURES, "note"], *([*ADELIE.split(","), note] for note in notes)])
    _, output = predict(sent.getvalue().encode())
    assert [row["note"] for row in rows_of(output)] == notes


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_result_has_the_encoding_of_the_file(predict: Predict, encoding: str) -> None:
    _, output = predict(f"{HEADER},note\n{ADELIE},größer\n".encode(encoding))
    text = output.decode(encoding)
    assert rows_of(text.encode())[0]["note"] == "größer"
    assert text.encode(encoding) == output


def test_gzip_file_with_decimal_commas_is_read(predict: Predict) -> None:
    content = f"{HEADER}\n{ADELIE}\n".replace(",", ";").replace(".", ",")
    result, output = predict(gzip.compress(content.encode()), PredictionOptions(probabilities=True))
    predicted = rows_of(output, ";")[0]
    assert (result.good, predicted["prediction"], predicted["bill_length_mm"]) == (1, "Adelie", "39,1")
    assert "," in predicted["probability_Adelie"]


def test_probabilities_and_label_sets_are_added_on_request(predict: Predict) -> None:
    _, output = predict(f"{HEADER}\n{ADELIE}\n".encode(), PredictionOptions(probabilities=True, coverage=0.8))
    predicted = rows_of(output)[0]
    probabilities = [float(predicted[f"probability_{name}"]) for name in ("Adelie", "Chinstrap", "Gentoo")]
    assert sum(probabilities) == pytest.approx(1)
    assert predicted["label_set"].startswith("[")


def test_parquet_file_gets_a_parquet_result(predict: Predict) -> None:
    frame = pd.read_csv(DATA / "penguins.csv")
    frame["seen"] = pd.Timestamp("2026-01-31")
    sent = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), sent)
    result, output = predict(sent.getvalue())
    predicted = pq.read_table(io.BytesIO(output))
    assert predicted.column_names == [*frame.columns, "prediction", "error", "unknown_categories"]
    assert (
        predicted.column("body_mass_g").to_pylist()
        == pa.array(frame["body_mass_g"], from_pandas=True).to_pylist()
    )
    as_csv = rows_of(predict((DATA / "penguins.csv").read_bytes())[1])
    assert predicted.column("prediction").to_pylist() == [row["prediction"] for row in as_csv]
    assert result.good == len(frame)


REFUSED = "parquet_type_unsupported"
DAY = datetime.date(2026, 1, 31)
# Cells of a feature, and whether its two rows are predicted if the model has a number or a text there.
CELLS: dict[str, tuple[pa.Array, bool | str, bool | str]] = {
    "list": (pa.array([[1], [2]]), REFUSED, REFUSED),
    "struct": (pa.array([{"x": 1}, {"x": 2}]), REFUSED, REFUSED),
    "map": (pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())), REFUSED, REFUSED),
    "binary": (pa.array([b"x", b"y"]), REFUSED, REFUSED),
    "time32": (pa.array([datetime.time(1)] * 2, pa.time32("s")), False, True),
    "duration": (pa.array([datetime.timedelta(1)] * 2), REFUSED, REFUSED),
    "date32": (pa.array([DAY, DAY]), False, True),
    "date64": (pa.array([DAY, DAY], pa.date64()), False, True),
    "large_string": (pa.array(["1.5", "2"], pa.large_string()), True, True),
    "string_view": (pa.array(["1.5", "2"], pa.string_view()), True, True),
    "large text": (pa.array(["x", "y"], pa.large_string()), False, True),
    "dictionary": (pa.array(["1.5", "2"]).dictionary_encode(), True, True),
    "dictionary of numbers": (pa.array([1, 2]).dictionary_encode(), True, True),
    "decimal": (pa.array([decimal.Decimal("1.25"), None]), True, True),
    "half float": (pa.array(np.array([1.5, 2], np.float16)), True, True),
    "boolean": (pa.array([True, False]), False, True),
    "null": (pa.nulls(2), True, True),
}


@pytest.mark.parametrize("title", CELLS)
@pytest.mark.parametrize("feature", ["bill_length_mm", "island"])
def test_parquet_column_of_any_type_is_predicted_or_refused(
    predict: Predict, title: str, feature: str
) -> None:
    cells, as_number, as_text = CELLS[title]
    expected = as_number if feature == "bill_length_mm" else as_text
    frame = pd.read_csv(DATA / "penguins.csv").head(2)
    table = pa.Table.from_pandas(frame[list(FEATURES)])
    table = table.set_column(table.schema.get_field_index(feature), feature, cells)
    sent = io.BytesIO()
    pq.write_table(table, sent)
    if isinstance(expected, str):
        assert refusal(predict, sent.getvalue()) == expected
    else:
        assert predict(sent.getvalue())[0].good == (2 if expected else 0)


def test_parquet_column_that_is_no_feature_may_have_any_type(predict: Predict) -> None:
    table = pa.Table.from_pandas(pd.read_csv(DATA / "penguins.csv").head(2))
    for title, (cells, _, _) in CELLS.items():
        if title != "half float":
            table = table.append_column(title, cells)
    sent = io.BytesIO()
    pq.write_table(table, sent)
    result, output = predict(sent.getvalue())
    assert result.good == 2
    assert pq.read_table(io.BytesIO(output)).column("list").to_pylist() == [[1], [2]]


def test_rows_with_another_digest_are_refused(store: tuple[Path, dict[str, str]]) -> None:
    folder, files = store
    content = f"{HEADER}\n{ADELIE}\n".encode()
    (folder / "rows").write_bytes(content)
    sha256 = hashlib.sha256(content).digest()
    task = BatchTask(
        f"file://{folder}",
        "rows",
        "model",
        files,
        DEFAULT_OPTIONS,
        DEFAULT_LIMITS,
        BatchSpec(1, 1, False, None, sha256.hex()).digest,
    )
    assert batches.predict(task, "result").good == 1
    (folder / "rows").write_bytes(content.replace(b"39.1", b"93.1"))
    for work in (batches.count_rows, lambda task: batches.predict(task, "result")):
        with pytest.raises(UploadChanged):
            work(task)
    (folder / "rows").unlink()
    with pytest.raises(UploadMissing):
        batches.predict(task, "result")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "csv_empty"),
        (b"island,sex\nBiscoe,male\n", "batch_column_missing"),
        (f"{HEADER},prediction\n{ADELIE},x\n".encode(), "batch_column_taken"),
        (f"{HEADER}\n".encode(), "csv_no_rows"),
        (f'{HEADER}\n"{ADELIE}\n'.encode(), "csv_bad_quote"),
        (f"{HEADER}\n{ADELIE}\0\n".encode(), "csv_nul_byte"),
        (f"{HEADER},sex\n{ADELIE},x\n".encode(), "csv_duplicate_header"),
        (f"{HEADER},ä\n".encode() + ADELIE.encode() + b",\xff\xfe\n", "csv_undecodable_byte"),
        (gzip.compress(f"{HEADER}\n{ADELIE}\n".encode())[:-6], "csv_corrupt_gzip"),
        (f"{HEADER}\n{'x' * 40_000}{ADELIE}\n".encode(), "csv_cell_too_long"),
        (b"PAR1 and no more", "parquet_corrupt"),
        (b"PK\x03\x04", "workbook_corrupt"),
    ],
)
def test_unreadable_file_is_refused(predict: Predict, content: bytes, code: str) -> None:
    assert refusal(predict, content) == code


def test_long_repeated_text_is_not_unpacked(predict: Predict) -> None:
    frame = pd.read_csv(DATA / "penguins.csv")
    frame["sex"] = [None, *["x" * 1_000_000] * (len(frame) - 1)]
    sent = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), sent)
    assert len(sent.getvalue()) < 1_000_000
    assert refusal(predict, sent.getvalue()) == "csv_too_large"


def test_coverage_beyond_the_calibration_set_is_refused_before_predicting(predict: Predict) -> None:
    assert refusal(predict, f"{HEADER}\n{ADELIE}\n".encode(), coverage=0.999) == "coverage_too_high"


def test_wide_tables_are_predicted_in_smaller_pieces() -> None:
    assert rows_at_once(9, 12) == MOST_ROWS_AT_ONCE
    assert rows_at_once(2000, 100_000) == 20
    assert rows_at_once(10_000_000, 1) == 1
