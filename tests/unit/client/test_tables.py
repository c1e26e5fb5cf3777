"""Conversion of cells, rows and files for requests."""

import datetime
import decimal
from pathlib import Path

import numpy
import pandas
import pytest

from farebox.errors import InvalidArgument
from farebox.tables import plain, row_of, rows_of, upload_of


@pytest.mark.parametrize(
    ("cell", "sent"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (3, 3),
        (2.5, 2.5),
        (float("nan"), None),
        (numpy.float64("nan"), None),
        (numpy.int64(4), 4),
        (numpy.bool_(False), False),
        (numpy.str_("text"), "text"),
        (pandas.NA, None),
        (pandas.NaT, None),
        (pandas.Timestamp("2026-05-04"), "2026-05-04T00:00:00"),
        (datetime.date(2026, 5, 4), "2026-05-04"),
        (datetime.time(13, 45), "13:45:00"),
        (decimal.Decimal("1.5"), 1.5),
        (2**53, 2**53),
        (2**53 + 1, "9007199254740993"),
        (numpy.uint64(12345678901234567890), "12345678901234567890"),
        (-(10**20), "-100000000000000000000"),
    ],
)
def test_cell_is_converted_to_json(cell: object, sent: object) -> None:
    assert plain(cell) == sent
    assert type(plain(cell)) in {type(sent), str}


@pytest.mark.parametrize("cell", [float("inf"), numpy.float64("-inf"), decimal.Decimal("Infinity")])
def test_infinite_number_is_refused_before_sending(cell: object) -> None:
    with pytest.raises(InvalidArgument, match="finite"):
        plain(cell)


@pytest.mark.parametrize("cell", [[1, 2], {"a": 1}, object(), 1j])
def test_unsupported_cell_is_refused_with_its_type(cell: object) -> None:
    with pytest.raises(InvalidArgument, match=type(cell).__name__):
        plain(cell)


def test_frame_and_mappings_give_same_rows() -> None:
    rows = [{"bill": 39.1, "island": "Torgersen"}, {"bill": None, "island": "Biscoe"}]

    assert rows_of(pandas.DataFrame(rows)) == rows_of(rows) == rows


def test_frame_with_categories_and_dates_is_converted() -> None:
    frame = pandas.DataFrame(
        {
            "island": pandas.Categorical(["Dream", None]),
            "day": pandas.to_datetime(["2026-05-04", None]),
            "count": pandas.array([1, None], dtype="Int64"),
        }
    )

    assert rows_of(frame) == [
        {"island": "Dream", "day": "2026-05-04T00:00:00", "count": 1},
        {"island": None, "day": None, "count": None},
    ]


def test_numbers_of_text_columns_are_the_texts_of_the_uploaded_file() -> None:
    frame = pandas.DataFrame({"code": [1, 2.5], "whole": [3, 4], "flag": [True, None], "hours": [1, 2]})

    rows = rows_of(frame, ["code", "whole", "flag"])

    assert rows == [
        {"code": "1.0", "whole": "3", "flag": True, "hours": 1},
        {"code": "2.5", "whole": "4", "flag": None, "hours": 2},
    ]
    upload = upload_of(frame)
    with upload.open() as file:
        assert file.read().splitlines()[1].startswith(b"1.0,3,True")


def test_series_is_a_row() -> None:
    assert row_of(pandas.Series({"bill": 39.1, "island": "Dream"})) == {"bill": 39.1, "island": "Dream"}


def test_frame_is_uploaded_as_csv_without_index() -> None:
    upload = upload_of(pandas.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[7, 9]))

    with upload.open() as file:
        assert file.read() == b"a,b\n1,x\n2,\n"


def test_file_upload_keeps_name_and_can_be_reopened(tmp_path: Path) -> None:
    path = tmp_path / "penguins.csv"
    path.write_text("a\n1\n")
    upload = upload_of(str(path))

    for _ in range(2):
        with upload.open() as file:
            assert file.read() == b"a\n1\n"
    assert upload.filename == "penguins.csv"


def test_missing_file_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"nowhere\.csv"):
        upload_of("nowhere.csv")
