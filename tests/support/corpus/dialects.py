"""Delimiters, quotes and line ends."""

from ml_service.learning.tables import Reading
from tests.support.corpus.case import Read, lines

SEMICOLON, TAB, BAR = {"delimiter": ";"}, {"delimiter": "\t"}, {"delimiter": "|"}

DELIMITERS = [
    Read(
        "semicolons",
        "Excel with a comma as decimal sign",
        lines("a;b", "x;1"),
        "text whole",
        [("x", 1)],
        effective=SEMICOLON,
    ),
    Read(
        "tabs",
        "Excel, text (tab delimited)",
        lines("a\tb", "x y\t1"),
        "text whole",
        [("x y", 1)],
        effective=TAB,
    ),
    Read("bars", "duckdb#14115", lines("a|b", "x,y|1"), "text whole", [("x,y", 1)], effective=BAR),
    Read(
        "commas in texts between semicolons",
        "Excel with a comma as decimal sign",
        lines("a;b", "x,y,z;1", "u,v,w;2"),
        "text whole",
        [("x,y,z", 1), ("u,v,w", 2)],
        effective=SEMICOLON,
    ),
    Read(
        "a comma in one name, semicolons between fields",
        "duckdb#15576",
        lines("name, given;age", "x, y;5", "z;6"),
        "text whole",
        [("x, y", 5), ("z", 6)],
        header=("name, given", "age"),
        effective=SEMICOLON,
    ),
    Read(
        "semicolons in quoted texts between commas",
        "duckdb#25827",
        lines("a,b", '"x;y",1', '"z;w",2'),
        "text whole",
        [("x;y", 1), ("z;w", 2)],
    ),
    Read(
        "Excel's hint of a delimiter",
        "Excel",
        lines("sep=;", "a;b", "x;1"),
        "text whole",
        [("x", 1)],
        effective=SEMICOLON,
        why="pandas and DuckDB read the hint as header",
    ),
    Read(
        "an unlikely hint",
        "Excel",
        lines("sep=|", "a|b", "x,1;2\ty|1", end="\r\n"),
        "text whole",
        [("x,1;2\ty", 1)],
        effective=BAR,
        why="pandas and DuckDB read the hint as header",
    ),
    Read(
        "a quoted hint after a mark",
        "Excel, CSV UTF-8",
        b'\xef\xbb\xbf"sep=,"\r\na,b\r\nx,1\r\n',
        "text whole",
        [("x", 1)],
        why="pandas and DuckDB read the hint as header",
    ),
    Read(
        "a delimiter by correction",
        "duckdb#9343",
        lines("a;b,c", "1;2,5"),
        "text whole",
        [("1;2", 5)],
        header=("a;b", "c"),
        reading=Reading(delimiter=","),
    ),
]

QUOTES = [
    Read(
        "quoted delimiters and doubled quotes",
        "RFC 4180, pandas#56690",
        lines("a,b", '"x, ""y""",1'),
        "text whole",
        [('x, "y"', 1)],
    ),
    Read(
        "quoted line breaks",
        "RFC 4180",
        b'a,b\n"x\ny",1\n"z\r\nw",2\n',
        "text whole",
        [("x\ny", 1), ("z\r\nw", 2)],
    ),
    Read("a quote inside a field", "Python's csv", lines("a,b", '5" pipe,1'), "text whole", [('5" pipe', 1)]),
    Read(
        "everything quoted",
        "R write.csv(quote=TRUE), csv.QUOTE_ALL",
        lines('"a","b"', '"1","2.5"', '"2","3"'),
        "whole number",
        [(1, 2.5), (2, 3.0)],
    ),
    Read(
        "a quoted header with a comma",
        "RFC 4180",
        lines('"a, x",b', "1,2"),
        "whole whole",
        [(1, 2)],
        header=("a, x", "b"),
    ),
    Read(
        "apostrophes as quotes, by correction",
        "pandas#52266",
        lines("example,header", "'comma , here',foobar"),
        "text text",
        [("comma , here", "foobar")],
        header=("example", "header"),
        reading=Reading(quote="'"),
        effective={"quote": "'"},
    ),
    Read(
        "apostrophes in names are letters",
        "RFC 4180",
        lines("a,b", "O'Neill,1", "'t Hooft,2"),
        "text whole",
        [("O'Neill", 1), ("'t Hooft", 2)],
    ),
    Read(
        "paths of Windows",
        "pandas#33720",
        lines("a,b", "C:\\users\\gary,1", "D:\\,2"),
        "text whole",
        [("C:\\users\\gary", 1), ("D:\\", 2)],
    ),
]

LINE_ENDS = [
    Read(
        "CRLF line ends",
        "Windows",
        lines("a,b", "x,1", "y,2", end="\r\n"),
        "text whole",
        [("x", 1), ("y", 2)],
    ),
    Read(
        "CR line ends",
        "Excel, CSV (Macintosh)",
        lines("a,b", "x,1", "y,2", end="\r"),
        "text whole",
        [("x", 1), ("y", 2)],
    ),
    Read("mixed line ends", "two editors", b"a,b\r\nx,1\ny,2\r\n", "text whole", [("x", 1), ("y", 2)]),
    Read("no line end after the last row", "many programs", b"a,b\nx,1", "text whole", [("x", 1)]),
    Read("blank lines all over", "apache/arrow#2883", b"\n\r\na,b\n\nx,1\n\n\n", "text whole", [("x", 1)]),
]

READ = [*DELIMITERS, *QUOTES, *LINE_ENDS]
