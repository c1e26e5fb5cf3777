"""Encodings: byte order marks, UTF-16 and UTF-32, and gzip."""

import codecs
import gzip

from tests.support.corpus.case import Read, lines
from tests.support.corpus.code_pages import CODE_PAGE, RUSSIAN, cells, table

UNICODE = [
    Read(
        "UTF-8 with a byte order mark",
        "Excel 365, CSV UTF-8",
        b"\xef\xbb\xbfa,b\n\xc3\xa9,1\n",
        "text whole",
        [("é", 1)],
    ),
    Read(
        "a mark before a quoted header",
        "Excel 365, CSV UTF-8",
        b'\xef\xbb\xbf"a","b"\nx,1\n',
        "text whole",
        [("x", 1)],
    ),
    Read(
        "UTF-16",
        "Windows PowerShell Export-Csv -Encoding Unicode",
        "a,b\né,1\n".encode("utf-16"),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-16"},
    ),
    Read(
        "UTF-16 the other way round",
        "Java on old Macs",
        codecs.BOM_UTF16_BE + "a,b\n漢,1\n".encode("utf-16-be"),
        "text whole",
        [("漢", 1)],
        effective={"encoding": "utf-16"},
    ),
    Read(
        "UTF-16 without a mark",
        "iconv -t UTF-16LE",
        "a,b\n1,x\n2,é\n".encode("utf-16-le"),
        "whole text",
        [(1, "x"), (2, "é")],
        effective={"encoding": "utf-16-le"},
        why="pandas and DuckDB find NUL bytes",
    ),
    Read(
        "UTF-16 with tabs and decimal commas",
        "Excel, Unicode text",
        "a\tb\r\né\t1,5\r\n".encode("utf-16"),
        "text number",
        [("é", 1.5)],
        effective={"encoding": "utf-16", "delimiter": "\t"},
        findings=("number_notation b",),
        why="pandas needs decimal=',', DuckDB reads text",
    ),
    Read(
        "UTF-32",
        "Python",
        "a,b\né,1\n漢,2\n".encode("utf-32"),
        "text whole",
        [("é", 1), ("漢", 2)],
        effective={"encoding": "utf-32"},
    ),
    Read(
        "UTF-32 the other way round",
        "Python",
        codecs.BOM_UTF32_BE + "a,b\né,1\n".encode("utf-32-be"),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-32"},
    ),
    Read(
        "UTF-8 that is valid cp1252, too",
        "populationsim#84",
        "a,b\n€,é\n".encode(),
        "text text",
        [("€", "é")],
    ),
    Read(
        "letters beyond ASCII far below the header",
        "danny-avila/rag_api#291",
        lines("a,b", *(f"{n},x" for n in range(2000)), "2000,é"),
        "whole text",
        [*((n, "x") for n in range(2000)), (2000, "é")],
    ),
]

COMPRESSED = [
    Read("gzip", "pandas to_csv(compression='gzip')", gzip.compress(b"a,b\nx,1\n"), "text whole", [("x", 1)]),
    Read(
        "gzip in two parts",
        "cat of two .gz files",
        gzip.compress(b"a,b\nx,") + gzip.compress(b"1\n"),
        "text whole",
        [("x", 1)],
    ),
    Read(
        "gzip'd UTF-16 with semicolons",
        "gzip of an Excel export",
        gzip.compress("a;b\né;1\n".encode("utf-16")),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-16", "delimiter": ";"},
    ),
    Read(
        "a gzip'd code page",
        "gzip of an Excel export",
        gzip.compress(table(RUSSIAN, "cp1251")),
        "text whole",
        cells(RUSSIAN),
        ("city", "n"),
        CODE_PAGE,
        effective={"encoding": "cp1251"},
    ),
]

READ = [*UNICODE, *COMPRESSED]
