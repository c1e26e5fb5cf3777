"""Times of day, and moments with time zones."""

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Read, clock, day, lines, moment

ZONES = [
    Read(
        "moments of several zones",
        "ISO 8601",
        lines("a,b", "2026-01-31T10:30:00Z,1", "2026-01-31T10:30:00+02:00,2"),
        "date whole",
        [(day(2026, 1, 31, 10, 30), 1), (day(2026, 1, 31, 8, 30), 2)],
        findings=("time_zones a",),
        why="pandas reads text",
    ),
    Read(
        "one zone in all cells",
        "pandas to_csv of aware moments",
        lines("a,b", "2026-01-31 10:30:00+01:00,1", "2026-06-30 10:30:00+01:00,2"),
        "date whole",
        [(day(2026, 1, 31, 9, 30), 1), (day(2026, 6, 30, 9, 30), 2)],
        findings=("time_zones a",),
    ),
    Read(
        "moments with and without a zone",
        "duckdb#15730",
        lines("a,b", "2026-01-01T10:30:00,1", "2026-01-02T10:30:00Z,2", "2026-01-03T10:30:00,3"),
        "date whole",
        [(day(2026, 1, 1, 10, 30), 1), (day(2026, 1, 2, 10, 30), 2), (day(2026, 1, 3, 10, 30), 3)],
        findings=("time_zones a",),
        why="pandas and Arrow read text",
    ),
    Read(
        "UTC behind a blank, as BigQuery writes it",
        "bigquery-schema-generator#19",
        lines("a,b", "2026-01-01 10:30:00 UTC,1", "2026-01-02 10:30:00.250 UTC,2"),
        "date whole",
        [(day(2026, 1, 1, 10, 30), 1), (moment("2026-01-02T10:30:00.250000"), 2)],
        findings=("time_zones a",),
    ),
    Read(
        "an offset without colon",
        "ISO 8601 basic",
        lines("a,b", "2026-01-31T10:30:00+0200,1", "2026-01-31T10:30:00-0530,2"),
        "date whole",
        [(day(2026, 1, 31, 8, 30), 1), (day(2026, 1, 31, 16), 2)],
        findings=("time_zones a",),
        why="pandas reads text",
    ),
    Read(
        "an offset of hours only, as DuckDB and PostgreSQL write it",
        "duckdb#7060",
        lines("a,b", "2023-04-12 15:36:18.726-07,1", "2023-04-12 20:00:00-07,2"),
        "date whole",
        [(moment("2023-04-12T22:36:18.726000"), 1), (day(2023, 4, 13, 3), 2)],
        findings=("time_zones a",),
    ),
    Read(
        "Z behind a minute",
        "duckdb#24820",
        lines("a,b", "2021-08-06T13:18Z,1", "2021-08-06T13:18:21Z,2"),
        "date whole",
        [(day(2021, 8, 6, 13, 18), 1), (moment("2021-08-06T13:18:21"), 2)],
        findings=("time_zones a",),
        why="pandas reads text",
    ),
    Read(
        "a zone that moves a moment into the next year",
        "ISO 8601",
        lines("a,b", "2025-12-31T23:30:00-05:00,1", "2026-01-01T01:00:00+05:00,2"),
        "date whole",
        [(day(2026, 1, 1, 4, 30), 1), (day(2025, 12, 31, 20), 2)],
        findings=("time_zones a",),
        why="pandas reads text",
    ),
    Read(
        "zones with missing moments",
        "pandas to_csv of aware moments",
        lines("a,b", "2026-01-31T10:30:00Z,1", ",2"),
        "date whole",
        [(day(2026, 1, 31, 10, 30), 1), (None, 2)],
        findings=("time_zones a",),
    ),
]

TIMES = [
    Read(
        "times of day without seconds",
        "duckdb#13247",
        lines("a,b", "05:40, 7", "21:30, 21", "17:45, 99"),
        "time whole",
        [(clock(5, 40), 7), (clock(21, 30), 21), (clock(17, 45), 99)],
        findings=("time_of_day a",),
        why="pandas reads text",
    ),
    Read(
        "times of day with seconds",
        "Excel",
        lines("a,b", "10:30:00,1", "23:59:59,2", "00:00:00,3"),
        "time whole",
        [(clock(10, 30), 1), (clock(23, 59, 59), 2), (0, 3)],
        findings=("time_of_day a",),
        why="pandas reads text",
    ),
    Read(
        "times of day with and without seconds, one missing",
        "duckdb#13247",
        lines("a,b", "10:30,1", "23:59:59,2", ",3", "9:05,4"),
        "time whole",
        [(clock(10, 30), 1), (clock(23, 59, 59), 2), (None, 3), (clock(9, 5), 4)],
        findings=("time_of_day a",),
        why="pandas reads text",
    ),
    Read(
        "durations beyond a day are texts",
        "Excel [h]:mm",
        lines("a,b", "125:30,1", "26:10,2"),
        "text whole",
        [("125:30", 1), ("26:10", 2)],
    ),
    Read(
        "times of day corrected to texts",
        "duckdb#13247",
        lines("a,b", "10:30,1", "23:59,2"),
        "text whole",
        [("10:30", 1), ("23:59", 2)],
        reading=Reading(columns={"a": ColumnReading("text")}),
    ),
    Read(
        "a score is no time of day",
        "football tables",
        lines("a,b", "2:1,1", "0:0,2"),
        "text whole",
        [("2:1", 1), ("0:0", 2)],
    ),
]

READ = [*ZONES, *TIMES]
