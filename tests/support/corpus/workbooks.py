"""Workbooks: texts that look like numbers, mixed columns, dates, errors of formulas, titles, sheets."""

from datetime import date, timedelta

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Read, Refused, clock, day
from tests.support.workbooks import Failed, Formatted, moment, ods, xlsx

CELLS = [
    Read(
        "zip codes stored as texts",
        "pandas-dev/pandas#11331, #12186",
        xlsx([["a", "b"], ["001", 1], ["002", 2], ["103", 3]]),
        "text whole",
        [("001", 1), ("002", 2), ("103", 3)],
        findings=("leading_zeros a",),
        why="pandas reads 1, 2 and 103",
    ),
    Read(
        "texts that end in an e",
        "pandas-dev/pandas#8272",
        xlsx([["a", "b"], ["1234e", 1.5], ["5678e", 2]]),
        "text number",
        [("1234e", 1.5), ("5678e", 2)],
    ),
    Read(
        "numbers stored as texts",
        "pandas-dev/pandas#61539",
        ods([["a", "b"], ["12", 1], ["13", 2], [14, 3]]),
        "whole whole",
        [(12, 1), (13, 2), (14, 3)],
        findings=("number_notation a",),
    ),
    Read(
        "numbers stored as texts, kept by correction",
        "pandas-dev/pandas#61539",
        ods([["a", "b"], ["12", 1], ["13", 2], [14, 3]]),
        "text whole",
        [("12", 1), ("13", 2), ("14", 3)],
        reading=Reading(columns={"a": ColumnReading(type="text")}),
    ),
    Read(
        "a limit of detection among numbers",
        "pandas-dev/pandas#18899",
        xlsx([["a", "b"], [0.25, 1], ["<0.05", 2], [1.5, 3], [2, 4]]),
        "decide whole",
        [("0.25", 1), ("<0.05", 2), ("1.5", 3), ("2", 4)],
        findings=("needs_decision a",),
    ),
    Read(
        "errors of formulas",
        "dimastbk/python-calamine#105, pandas-dev/pandas#29668",
        xlsx([["a", "b"], [1, "x"], [Failed("#DIV/0!"), Failed("#REF!")], [3, "z"]]),
        "whole text",
        [(1, "x"), (None, None), (3, "z")],
        findings=("missing_words a", "missing_words b"),
        why="pandas reads NaN and says nothing",
    ),
    Read(
        "dates and moments in one column",
        "enso-org/enso#9953",
        xlsx([["a", "b"], [date(2025, 12, 31), 1], [moment(2025, 1, 2, 13, 45), 2]]),
        "date whole",
        [(day(2025, 12, 31), 1), (day(2025, 1, 2, 13, 45), 2)],
    ),
    Read(
        "a text among dates since 1904",
        "miraisolutions/xlconnect#53",
        xlsx([["a", "b"], [date(2003, 4, 6), 1], [date(2014, 10, 30), 2], ["abc", 3]], since_1904=True),
        "decide whole",
        [("2003-04-06", 1), ("2014-10-30", 2), ("abc", 3)],
        findings=("needs_decision a",),
        why="XLConnect shows the two days of four years earlier",
    ),
    Read(
        "durations over a day",
        "tafia/calamine#318",
        xlsx([["a", "b"], [timedelta(hours=255, minutes=10, seconds=10), 1], [timedelta(minutes=5), 2]]),
        "whole whole",
        [(clock(255, 10, 10), 1), (clock(0, 5), 2)],
        findings=("durations a",),
    ),
    Read(
        "a date that is too late",
        "dimastbk/python-calamine#139",
        xlsx([["a", "b"], [date(2025, 1, 1), 1], [date(2025, 1, 2), 2], [Formatted(2_994_626, 14), 3]]),
        "decide whole",
        [("2025-01-01", 1), ("2025-01-02", 2), ("2994626", 3)],
        findings=("needs_decision a",),
    ),
]

SHEETS = [
    Read(
        "merged cells of a group",
        "awalker89/openxlsx#128, tidyverse/readxl#220",
        xlsx([["a", "b"], ["north", 1], [None, 2], ["south", 3]], merged=["A2:A3"]),
        "text whole",
        [("north", 1), (None, 2), ("south", 3)],
        findings=("merged_cells",),
    ),
    Read(
        "a merged title over the table",
        "tidyverse/readxl#383",
        xlsx([["Sales of 2025"], [], ["a", "b"], [1, "x"], [2, "y"]], merged=["A1:B1"]),
        "whole text",
        [(1, "x"), (2, "y")],
        findings=("skipped_lines",),
    ),
    Read(
        "pandas' index beside the table",
        "pandas-dev/pandas#11331",
        xlsx([[None, "a", "b"], [0, 1.5, "x"], [1, 2.5, "y"]]),
        "omitted number text",
        [(1.5, "x"), (2.5, "y")],
        ("column_1", "a", "b"),
        findings=("index_column",),
    ),
    Read(
        "another sheet, set by correction",
        "Excel",
        xlsx([["x", "y"], [1, 2]], [["a", "b"], [3, "z"]], names=["One", "Two"]),
        "whole text",
        [(3, "z")],
        reading=Reading(sheet="Two"),
    ),
]

READ = [*CELLS, *SHEETS]
REFUSED = [
    Refused("a broken archive", "zip downloads", b"PK\x03\x04" + b"\0" * 50, "workbook_corrupt"),
    Refused("a name twice in a sheet", "Excel", xlsx([["a", "a"], [1, 2]]), "csv_duplicate_header", 1, "a"),
    Refused("a note beside the table", "Excel", xlsx([["a", "b"], [1, 2, "*"]]), "csv_empty_header", 1),
    Refused(
        "a text where a number is set in a sheet",
        "Excel",
        xlsx([["a", "b"], [1, 2], ["x", 3]]),
        "csv_text_in_number_column",
        3,
        "a",
        reading=Reading(columns={"a": ColumnReading(type="number")}),
    ),
]
