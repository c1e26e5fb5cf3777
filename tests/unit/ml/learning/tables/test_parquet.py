"""Parquet files: equality with the same table as CSV, column types, refusals."""

import datetime
import decimal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.tables import DATA, typed

from ml_service.learning.tables import (
    DETECTED,
    ColumnType,
    CsvError,
    CsvLimits,
    Reading,
    Table,
    profile,
    read_table,
)
from ml_service.learning.tables.row_stream import open_rows
from ml_service.learning.tables.statistics import compute_statistics
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

LABELS = {
    "penguins": ("species", "logistic"),
    "cars": ("Acceleration", "linear"),
    "seattle-weather": ("weather", "random_forest"),
    "wine": ("target", "knn"),
    "diabetes": ("target", "linear"),
}
UTC = datetime.UTC


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_table(**columns: object) -> Path:
        path = tmp_path / "table.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write_table


def as_parquet(name: str, folder: Path) -> Path:
    path = folder / f"{name}.parquet"
    pd.read_csv(DATA / f"{name}.csv").to_parquet(path)
    return path


def column(path: Path, reading: Reading = DETECTED) -> tuple[str, list[Any]]:
    read = read_table(path, reading=reading).columns["a"]
    return read.kind, read.cells.to_pylist()


def refusal(path: Path, limits: CsvLimits | None = None) -> tuple[str, object, object]:
    with pytest.raises(CsvError) as caught:
        read_table(path, limits or CsvLimits())
    assert caught.value.detail.endswith(".")
    return caught.value.code, caught.value.members.get("column"), caught.value.members.get("row")


@pytest.mark.parametrize("name", LABELS)
def test_parquet_columns_equal_those_of_the_same_csv(name: str, tmp_path: Path) -> None:
    of_csv, of_parquet = read_table(DATA / f"{name}.csv"), read_table(as_parquet(name, tmp_path))
    assert profile(of_parquet).columns == profile(of_csv).columns
    assert compute_statistics(of_parquet) == compute_statistics(of_csv)
    assert of_parquet.format == "parquet"


@pytest.mark.parametrize("name", LABELS)
def test_parquet_model_equals_that_of_the_same_csv(name: str, tmp_path: Path) -> None:
    label, model_type = LABELS[name]
    features = tuple(column for column in read_table(DATA / f"{name}.csv").header if column != label)
    params = {"n_estimators": 10} if model_type == "random_forest" else {}
    spec = TrainingSpec(model_type, features, label, params)
    of_csv = train(DATA / f"{name}.csv", spec, tmp_path / "csv")
    of_parquet = train(as_parquet(name, tmp_path), spec, tmp_path / "parquet")
    assert of_parquet.metrics == of_csv.metrics
    assert of_parquet.features == of_csv.features


@pytest.mark.parametrize(
    ("cells", "kind", "read"),
    [
        (pa.array([1, None], pa.int8()), "number", [1, None]),
        (pa.array([1, 2**64 - 1], pa.uint64()), "text", ["1", "18446744073709551615"]),
        (pa.array([1, 2**53 + 1]), "text", ["1", "9007199254740993"]),
        (pa.array([1, 2], pa.uint64()), "number", [1, 2]),
        (pa.array([0.5, float("nan")], pa.float32()), "number", [0.5, None]),
        (pa.array([decimal.Decimal("1.25"), None]), "number", [1.25, None]),
        (pa.array(["x", "NA"]), "text", ["x", None]),
        (pa.array(["x", ""], pa.large_string()), "text", ["x", None]),
        (pa.array(["x", "y"], pa.string_view()), "text", ["x", "y"]),
        (pa.array(["x", None, "x"]).dictionary_encode(), "text", ["x", None, "x"]),
        (pa.array([7, 7]).dictionary_encode(), "number", [7, 7]),
        (pa.array(["007", "12"]), "text", ["007", "12"]),
        (pa.array([True, False, None]), "text", ["True", "False", None]),
        (pa.array([datetime.date(2026, 1, 31)]), "date", [datetime.datetime(2026, 1, 31)]),  # noqa: DTZ001
        (pa.array(["2026-01-31", None]), "date", [datetime.datetime(2026, 1, 31), None]),  # noqa: DTZ001
        (pa.array(["2026-01-31T01:00:00+01:00"]), "date", [datetime.datetime(2026, 1, 31)]),  # noqa: DTZ001
        (pa.array(["2026-02-30", "x"]), "text", ["2026-02-30", "x"]),
        (
            pa.array([datetime.datetime(2026, 1, 31, tzinfo=UTC)], pa.timestamp("ns", "Europe/Paris")),
            "date",
            [datetime.datetime(2026, 1, 31)],  # noqa: DTZ001
        ),
        (pa.array([datetime.time(12, 30)]), "number", [45_000.0]),
        (pa.nulls(2), "empty", [None, None]),
        (pa.array([None, "NA"], pa.string()), "empty", [None, None]),
    ],
)
def test_parquet_type_decides_the_column_type(
    cells: pa.Array, kind: str, read: list[Any], write: Callable[..., Path]
) -> None:
    assert column(write(a=cells)) == (kind, read)


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([[1, 2]]),
        pa.array([{"x": 1}]),
        pa.array([b"bytes"]),
        pa.array([datetime.timedelta(1)]),
        pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
)
def test_unsupported_parquet_type_is_refused(cells: pa.Array, write: Callable[..., Path]) -> None:
    assert refusal(write(b=pa.array([1]), a=cells)) == ("parquet_type_unsupported", "a", None)


@pytest.mark.parametrize(
    ("cells", "code", "row"),
    [
        (pa.array(["x", "y" * 40_000]), "csv_cell_too_long", 2),
        (pa.array(["x", "y\0z"]), "csv_nul_byte", None),
        (pa.array([2**58], pa.timestamp("ms")), "csv_date_out_of_range", 1),
    ],
)
def test_unusable_parquet_cell_is_refused_with_its_row(
    cells: pa.Array, code: str, row: int | None, write: Callable[..., Path]
) -> None:
    assert refusal(write(a=cells)) == (code, "a", row)


@pytest.mark.parametrize("beyond", [float("inf"), 1e31])
def test_number_beyond_the_range_needs_a_decision(beyond: float, write: Callable[..., Path]) -> None:
    decision = read_table(write(a=[1.0, 2.0, beyond])).columns["a"].decision
    assert decision is not None
    assert (decision.cells, decision.place, decision.places) == (1, "row", [3])


def test_parquet_column_names_follow_the_rules_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", " a"]), path)
    assert refusal(path)[:2] == ("csv_duplicate_header", "a")
    pq.write_table(pa.table({"": [1]}), path)
    assert refusal(path)[0] == "csv_empty_header"


def test_column_names_may_contain_dots(write: Callable[..., Path]) -> None:
    table = read_table(write(**{"a.b": [1], "a": [2]}))
    assert [column.cells.to_pylist() for column in table.columns.values()] == [[1], [2]]


def test_parquet_files_have_the_limits_of_csv(write: Callable[..., Path]) -> None:
    path = write(a=list(range(100)), b=["x" * 50] * 100)
    assert refusal(path, CsvLimits(rows=99))[0] == "csv_too_many_rows"
    assert refusal(path, CsvLimits(columns=1))[0] == "csv_too_many_columns"
    assert refusal(path, CsvLimits(file_bytes=100))[0] == "csv_too_large"
    assert refusal(path, CsvLimits(unpacked_bytes=5000))[0] == "csv_too_large"


def test_parquet_file_without_rows_is_refused(write: Callable[..., Path]) -> None:
    assert refusal(write(a=pa.array([], pa.int64())))[0] == "csv_no_rows"


def test_repeated_text_beyond_the_unpacked_limit_is_refused(write: Callable[..., Path]) -> None:
    repeated = pa.DictionaryArray.from_arrays(np.zeros(200_000, np.int32), ["x" * 30_000])
    path = write(a=repeated)
    assert path.stat().st_size < 1_000_000
    assert refusal(path)[0] == "csv_too_large"


def test_file_that_declares_a_large_content_is_refused_before_it_is_read(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(a=np.random.default_rng(0).random(10_000))
    monkeypatch.setattr(pq.ParquetFile, "read", None)
    assert refusal(path, CsvLimits(unpacked_bytes=30_000))[0] == "csv_too_large"


@pytest.mark.parametrize("read", [read_table, open_rows])
def test_long_footer_is_refused_before_it_is_parsed(read: Callable[..., object], tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    length = 9 * 1024 * 1024
    path.write_bytes(b"PAR1" + bytes(length) + length.to_bytes(4, "little") + b"PAR1")
    with pytest.raises(CsvError) as caught:
        read(path, CsvLimits())
    assert (caught.value.status, caught.value.code) == (413, "csv_too_large")


@pytest.mark.parametrize(
    ("cells", "kind", "read"),
    [
        (pa.array([1, None]), "text", ["1", None]),
        (pa.array([1.5, None]), "text", ["1.5", None]),
        (pa.array([datetime.date(2026, 1, 31)]), "text", ["2026-01-31"]),
        (pa.array(["2026-01-31"]), "text", ["2026-01-31"]),
        (pa.array(["007", " 1.5 ", None]), "number", [7.0, 1.5, None]),
        (pa.array(["2026-01-31"]), "date", [datetime.datetime(2026, 1, 31)]),  # noqa: DTZ001
    ],
)
def test_corrected_type_is_applied(
    cells: pa.Array, kind: ColumnType, read: list[Any], write: Callable[..., Path]
) -> None:
    assert column(write(a=cells), typed(a=kind)) == (kind, read)


def test_cell_of_another_type_is_refused_with_its_row(write: Callable[..., Path]) -> None:
    with pytest.raises(CsvError) as caught:
        read_table(write(a=["1", None, "x"]), reading=typed(a="number"))
    assert (caught.value.code, caught.value.members) == (
        "csv_text_in_number_column",
        {"column": "a", "row": 3},
    )


def damaged(content: bytes) -> list[bytes]:
    """Truncations, and copies with one byte changed."""
    random = np.random.default_rng(0)
    cut = [content[: len(content) * n // 8] for n in range(1, 8)]
    changed: list[bytes] = []
    for position in random.integers(4, len(content), 120):
        copy = bytearray(content)
        copy[position] ^= int(random.integers(1, 256))
        changed.append(bytes(copy))
    return [*cut, *changed, b"PAR1", b"PAR1PAR1", b"PAR1" + b"\xff" * 8 + b"PAR1"]


def test_damaged_parquet_file_raises_nothing_but_refusals(tmp_path: Path) -> None:
    path = as_parquet("penguins", tmp_path)
    refused = 0
    for content in damaged(path.read_bytes()):
        path.write_bytes(content)
        try:
            table: Table = read_table(path)
        except CsvError:
            refused += 1
        else:
            assert table.rows > 0
    assert refused > 10
