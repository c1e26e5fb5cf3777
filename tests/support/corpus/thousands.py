"""Thousands in groups, and numbers such as 1,234 that have two readings.

Between semicolons and without a point elsewhere 1,234 has a decimal comma, otherwise it is a thousand.
"""

from ml_service.learning.tables import Reading
from tests.support.corpus.case import Read, lines

SEMICOLON = {"delimiter": ";"}
TEXT = "pandas and DuckDB read text"

READ = [
    Read(
        "thousands commas",
        "h2oai/datatable#771",
        lines("a,b", '"1,234,567",1', '"5,678",2', "12,3"),
        "whole whole",
        [(1234567, 1), (5678, 2), (12, 3)],
        findings=("number_notation a",),
        why="pandas needs thousands=',', DuckDB reads text",
    ),
    Read(
        "thousands commas with decimals, between bars",
        "pandas#4322",
        lines("a|b|c", "1|2,334.01|5", "10|13|10"),
        "whole number whole",
        [(1, 2334.01, 5), (10, 13, 10)],
        header=("a", "b", "c"),
        findings=("number_notation b",),
        effective={"delimiter": "|"},
        why="pandas needs thousands=',', DuckDB reads text",
    ),
    Read(
        "German thousands",
        "pola-rs/polars#18797",
        lines("a;b", "1.299,99;2", "5.678,5;3"),
        "number whole",
        [(1299.99, 2), (5678.5, 3)],
        findings=("number_notation a",),
        effective=SEMICOLON,
        why=TEXT,
    ),
    Read(
        "Swiss thousands, straight and typographic",
        "Excel with a Swiss locale",
        lines("a,b", "1'234.50,2", "5’678,3"),
        "number whole",
        [(1234.5, 2), (5678, 3)],
        findings=("number_notation a",),
        why=TEXT,
    ),
    Read(
        "French thousands: narrow no-break blanks",
        "terraware/terraware-server#1231",
        lines("a;b", "1\u202f234;2", "1\u202f205\u202f678;3"),
        "whole whole",
        [(1234, 2), (1205678, 3)],
        findings=("number_notation a",),
        effective=SEMICOLON,
        why=TEXT,
    ),
    Read(
        "thousands after plain blanks",
        "im-anishraj/arnio#135",
        lines("a,b", "1 234,2", "12 345.5,3"),
        "number whole",
        [(1234, 2), (12345.5, 3)],
        findings=("number_notation a",),
        why=TEXT,
    ),
    Read(
        "Indian groups",
        "Excel with an Indian locale",
        lines("a,b", '"12,34,567",2', '"5,67,890.50",3'),
        "number whole",
        [(1234567, 2), (567890.5, 3)],
        findings=("number_notation a",),
        why=TEXT,
    ),
    Read(
        "1,234 between commas: thousands, unless somebody says otherwise",
        "nyblnet/bento#230",
        lines("a,b", '"1,234",2', '"5,678",3'),
        "whole whole",
        [(1234, 2), (5678, 3)],
        findings=("ambiguous_numbers a", "number_notation a"),
        why=TEXT,
    ),
    Read(
        "1,234 corrected to decimal commas",
        "nyblnet/bento#230",
        lines("a,b", '"1,234",2', '"5,678",3'),
        "number whole",
        [(1.234, 2), (5.678, 3)],
        reading=Reading(decimal=","),
    ),
    Read(
        "1,234 between semicolons without a point elsewhere: decimal commas",
        "pola-rs/polars#18797",
        lines("a;b", "1,234;2", "5,678;3"),
        "number whole",
        [(1.234, 2), (5.678, 3)],
        findings=("ambiguous_numbers a", "number_notation a"),
        effective=SEMICOLON,
    ),
    Read(
        "1,234 between semicolons with points elsewhere: thousands",
        "Excel with US numbers and a semicolon as list separator",
        lines("a;b", "1,234;2.5", "5,678;3.5"),
        "whole number",
        [(1234, 2.5), (5678, 3.5)],
        findings=("ambiguous_numbers a", "number_notation a"),
        effective=SEMICOLON,
        why=TEXT,
    ),
    Read(
        "1.234 beside decimal commas: thousands",
        "pola-rs/polars#18797",
        lines("a;b", "1.234;2,5", "5.678;3,5"),
        "whole number",
        [(1234, 2.5), (5678, 3.5)],
        findings=("ambiguous_numbers a", "number_notation a", "number_notation b"),
        effective=SEMICOLON,
        why="pandas with decimal=',' reads text in a, DuckDB in b",
    ),
    Read(
        "thousands points by correction",
        "pola-rs/polars#18797",
        lines("a,b", "1.234,2", "5.678,3"),
        "whole whole",
        [(1234, 2), (5678, 3)],
        reading=Reading(thousands="."),
    ),
]
