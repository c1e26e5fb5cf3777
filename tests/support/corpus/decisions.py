"""Columns that are mostly numbers or dates but not quite: they need a decision, and stay texts until then."""

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Read, day, lines

LIMITS = ["0.06", "0.07", "<0.05", "0.11", "0.09", "<0.05", "0.08", "<0.05", "0.1", "0.12"]
# Over 10 cells and over 10 % of them, but one distinct text.
MANY_LIMITS = [f"0.{n}" if n % 3 else "<0.05" for n in range(1, 61)]

NUMBERS = [
    Read(
        "values below a detection limit",
        "bcgov/wqbc#49",
        lines("a,b", *(f"{cell},{n}" for n, cell in enumerate(LIMITS))),
        "decide whole",
        [(cell, n) for n, cell in enumerate(LIMITS)],
        findings=("needs_decision a",),
    ),
    Read(
        "a third of the values below a detection limit",
        "bcgov/wqbc#49",
        lines("a,b", *(f"{cell},{n}" for n, cell in enumerate(MANY_LIMITS))),
        "decide whole",
        [(cell, n) for n, cell in enumerate(MANY_LIMITS)],
        findings=("needs_decision a",),
    ),
    Read(
        "values above the counter's range",
        "DOI-USGS/dataRetrieval#522",
        lines("a,b", "120,1", ">2419,2", "86,3"),
        "decide whole",
        [("120", 1), (">2419", 2), ("86", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "estimates marked by an asterisk",
        "ultorg/public_issues#38",
        lines("a,b", "6795,1", "6806*,2", "-353,3"),
        "decide whole",
        [("6795", 1), ("6806*", 2), ("-353", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "a phrase among numbers",
        "Rdatatable/data.table#1358",
        lines("a,b", "315.98,1", "Not Available,2", "316.91,3"),
        "decide whole",
        [("315.98", 1), ("Not Available", 2), ("316.91", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "an error message among device numbers",
        "SEL-Columbia/bamboo#434",
        lines("a,b", "35209,1", "no device id,2", "35210,3"),
        "decide whole",
        [("35209", 1), ("no device id", 2), ("35210", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "infinity",
        "numpy log(0)",
        lines("a,b", "1,2", "3,-inf", "5,6"),
        "whole decide",
        [(1, "2"), (3, "-inf"), (5, "6")],
        findings=("needs_decision b",),
        why="pandas and DuckDB read an infinite number, with which no model computes",
    ),
    Read(
        "a unit behind one number",
        "massbays-tech/MassWateR#59",
        lines("a,b", "1,2", "3,4 kg", "5,6"),
        "whole decide",
        [(1, "2"), (3, "4 kg"), (5, "6")],
        findings=("needs_decision b",),
    ),
    Read(
        "a total below the rows",
        "pandas#5232",
        lines("a,b", "1,2", "3,4", "Total,6"),
        "decide whole",
        [("1", 2), ("3", 4), ("Total", 6)],
        findings=("needs_decision a",),
    ),
    Read(
        "a word far below the numbers",
        "duckdb#11840",
        lines("a,b", *(f"{n},{n}" for n in range(3000)), "soon,3000"),
        "decide whole",
        [*((str(n), n) for n in range(3000)), ("soon", 3000)],
        findings=("needs_decision a",),
    ),
    Read(
        "tickets, many of which are numbers, are texts",
        "kaggle titanic",
        lines("a,b", *(f"{n},{n}" for n in range(74)), *(f"PC {n},{n}" for n in range(26))),
        "text whole",
        [*((str(n), n) for n in range(74)), *((f"PC {n}", n) for n in range(26))],
    ),
]

DATES = [
    Read(
        "a word among dates",
        "submersion-app/submersion#1828",
        lines("a,b", "2026-01-31,1", "2026-02-01,2", "soon,3"),
        "decide whole",
        [("2026-01-31", 1), ("2026-02-01", 2), ("soon", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "a day that does not exist",
        "MySQL and paper forms",
        lines("a,b", "2026-02-28,1", "2026-02-30,2", "2026-03-01,3"),
        "decide whole",
        [("2026-02-28", 1), ("2026-02-30", 2), ("2026-03-01", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "a year that does not exist",
        "MySQL's zero date",
        lines("a,b", "0000-00-00,1", "2026-01-01,2", "2026-01-02,3"),
        "decide whole",
        [("0000-00-00", 1), ("2026-01-01", 2), ("2026-01-02", 3)],
        findings=("needs_decision a",),
    ),
    Read(
        "a doubled slash in a date",
        "duckdb#10714",
        lines("a,b", "22/01/2019,1", "08//01/2019,2", "09/01/2019,3"),
        "decide whole",
        [("22/01/2019", 1), ("08//01/2019", 2), ("09/01/2019", 3)],
        findings=("needs_decision a",),
    ),
]

DECIDED = [
    Read(
        "exceptions decided to be missing",
        "bcgov/wqbc#49",
        lines("a,b", "0.06,1", "<0.05,2", "0.11,3"),
        "number whole",
        [(0.06, 1), (None, 2), (0.11, 3)],
        reading=Reading(columns={"a": ColumnReading("number", exceptions="missing")}),
    ),
    Read(
        "dates with exceptions decided to be missing",
        "submersion-app/submersion#1828",
        lines("a,b", "2026-01-31,1", "soon,2"),
        "date whole",
        [(day(2026, 1, 31), 1), (None, 2)],
        reading=Reading(columns={"a": ColumnReading("date", exceptions="missing")}),
    ),
    Read(
        "a mixed column decided to be text",
        "bcgov/wqbc#49",
        lines("a,b", "0.06,1", "<0.05,2", "0.11,3"),
        "text whole",
        [("0.06", 1), ("<0.05", 2), ("0.11", 3)],
        reading=Reading(columns={"a": ColumnReading("text")}),
    ),
    Read(
        "a mixed column left out",
        "SEL-Columbia/bamboo#434",
        lines("a,b", "35209,1", "no device id,2", "35210,3"),
        "omitted whole",
        [(1,), (2,), (3,)],
        reading=Reading(columns={"a": ColumnReading("omitted")}),
    ),
]

READ = [*NUMBERS, *DATES, *DECIDED]
