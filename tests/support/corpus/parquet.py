"""Parquet files: pandas' index, dictionaries, exact types, dates and zones. They have no dialect."""

import datetime
import decimal
import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Read, Refused, clock, day, moment

UTC = datetime.UTC


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def of_pandas(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


FRAME = pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "b": ["x", "y", "z", "w"]})
ROWS = [(1.5, "x"), (2.5, "y"), (3.5, "z"), (4.5, "w")]
WITH_INDEX = ("a", "b", "__index_level_0__")

INDEX = [
    Read(
        "pandas' index of a filtered frame",
        "milvus-io/milvus#33197, pola-rs/polars#7291",
        of_pandas(FRAME[FRAME["a"] != 2.5]),
        "number text omitted",
        [ROWS[0], ROWS[2], ROWS[3]],
        WITH_INDEX,
        findings=("index_column",),
        why="DuckDB reads the index as a column",
    ),
    Read(
        "pandas' index with a name",
        "NVIDIA/cudf#1733",
        of_pandas(FRAME.set_index(pd.Index(["p", "q", "r", "s"], name="row"))),
        "number text omitted",
        ROWS,
        ("a", "b", "row"),
        findings=("index_column",),
        why="DuckDB reads the index as a column",
    ),
    Read(
        "pandas' index with a name, kept by correction",
        "NVIDIA/cudf#1733",
        of_pandas(FRAME.set_index(pd.Index(["p", "q", "p", "q"], name="row"))),
        "number text text",
        [(*row, name) for row, name in zip(ROWS, "pqpq", strict=True)],
        ("a", "b", "row"),
        reading=Reading(columns={"row": ColumnReading("text")}),
    ),
    Read("a range as pandas' index is not stored", "pandas#51664", of_pandas(FRAME), "number text", ROWS),
    Read(
        "an index column that lost pandas' metadata",
        "LSSTDESC/gcr-catalogs#386",
        parquet(a=[1.5, 2.5], b=["x", "y"], __index_level_0__=[0, 1]),
        "number text omitted",
        ROWS[:2],
        WITH_INDEX,
        findings=("index_column",),
        why="pandas and DuckDB read it as a column",
    ),
]

TYPES = [
    Read(
        "dictionaries",
        "pandas categories",
        of_pandas(pd.DataFrame({"a": pd.Categorical(["x", "y", None, "x"]), "b": [1, 2, 3, 4]})),
        "text whole",
        [("x", 1), ("y", 2), (None, 3), ("x", 4)],
    ),
    Read(
        "decimals",
        "Spark, DuckDB",
        parquet(a=[decimal.Decimal("1.25"), None, decimal.Decimal("-7.50")], b=[1, 2, 3]),
        "number whole",
        [(1.25, 1), (None, 2), (-7.5, 3)],
    ),
    Read(
        "booleans",
        "pandas to_parquet",
        parquet(a=[True, None, False], b=[1, 2, 3]),
        "boolean whole",
        [("True", 1), (None, 2), ("False", 3)],
    ),
    Read(
        "NaN is a missing number",
        "NVIDIA/cudf#6123",
        parquet(a=[1.5, float("nan"), None], b=[1, 2, 3]),
        "number whole",
        [(1.5, 1), (None, 2), (None, 3)],
    ),
    Read(
        "infinity in Parquet",
        "numpy log(0)",
        parquet(a=[1.5, float("-inf"), 2.5], b=[1, 2, 3]),
        "decide whole",
        [("1.5", 1), ("-inf", 2), ("2.5", 3)],
        findings=("needs_decision a",),
        why="pandas and DuckDB read an infinite number, with which no model computes",
    ),
    Read(
        "64-bit ids beyond floats",
        "rapidsai/cudf#7088",
        parquet(a=[2**53, 2**53 + 1], b=[1, 2]),
        "text whole",
        [("9007199254740992", 1), ("9007199254740993", 2)],
        findings=("long_numbers a",),
        why="pandas and DuckDB read 64-bit numbers; models compute with floats",
    ),
    Read(
        "unsigned ids",
        "readr#976",
        parquet(a=pa.array([2**64 - 1, 1], pa.uint64()), b=[1, 2]),
        "text whole",
        [("18446744073709551615", 1), ("1", 2)],
        findings=("long_numbers a",),
        why="pandas and DuckDB read 64-bit numbers; models compute with floats",
    ),
    Read(
        "small whole numbers",
        "R arrow",
        parquet(a=pa.array([1, None], pa.int8()), b=[1, 2]),
        "whole whole",
        [(1, 1), (None, 2)],
    ),
    Read(
        "texts with leading zeros are texts without a word, since the file says so",
        "molgenis/molgenis-service-armadillo#1027",
        parquet(a=["007", "012"], b=[1, 2]),
        "text whole",
        [("007", 1), ("012", 2)],
    ),
    Read(
        "None among texts is a class",
        "pandas#52493",
        parquet(a=["None", "Insomnia", None], b=[1, 2, 3]),
        "text whole",
        [("None", 1), ("Insomnia", 2), (None, 3)],
    ),
    Read(
        "a column of nulls",
        "pandas to_parquet",
        parquet(a=[None, None], b=[1, 2]),
        "empty whole",
        [(None, 1), (None, 2)],
    ),
]

DATES = [
    Read(
        "dates",
        "DuckDB COPY",
        parquet(a=[datetime.date(2026, 1, 31), None], b=[1, 2]),
        "date whole",
        [(day(2026, 1, 31), 1), (None, 2)],
    ),
    Read(
        "nanoseconds are cut after microseconds",
        "pandas to_parquet",
        parquet(a=pa.array([1_769_855_400_123_456_789], pa.timestamp("ns")), b=[1]),
        "date whole",
        [(moment("2026-01-31T10:30:00.123456"), 1)],
    ),
    Read(
        "a date for ever",
        "apache/arrow#37691",
        parquet(a=pa.array([day(9999, 12, 31), day(2026, 1, 1)], pa.timestamp("us")), b=[1, 2]),
        "date whole",
        [(day(9999, 12, 31), 1), (day(2026, 1, 1), 2)],
        why="pandas before 3 overflows",
    ),
    Read(
        "moments with a zone",
        "pandas to_parquet",
        parquet(
            a=pa.array(
                [datetime.datetime(2026, 1, 31, 10, 30, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")
            ),
            b=[1],
        ),
        "date whole",
        [(day(2026, 1, 31, 10, 30), 1)],
        findings=("time_zones a",),
    ),
    Read(
        "times of day",
        "DuckDB COPY",
        parquet(a=[datetime.time(5, 40), datetime.time(21, 30, 15)], b=[1, 2]),
        "time whole",
        [(clock(5, 40), 1), (clock(21, 30, 15), 2)],
        findings=("time_of_day a",),
    ),
    Read(
        "ISO dates as texts",
        "pandas, read_csv and to_parquet",
        parquet(a=["2026-01-31", "2026-02-01"], b=[1, 2]),
        "date whole",
        [(day(2026, 1, 31), 1), (day(2026, 2, 1), 2)],
    ),
]

READ = [*INDEX, *TYPES, *DATES]
REFUSED = [
    Refused(
        "lists",
        "Hugging Face datasets",
        parquet(a=[[1, 2], [3]], b=[1, 2]),
        "parquet_type_unsupported",
        column="a",
    ),
    Refused(
        "bytes",
        "Hugging Face datasets",
        parquet(a=[b"x", b"y"], b=[1, 2]),
        "parquet_type_unsupported",
        column="a",
    ),
    Refused("a file cut off", "interrupted downloads", parquet(a=[1.5], b=[1])[:-9], "parquet_corrupt"),
]
