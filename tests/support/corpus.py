"""Difficult CSV files from real programs, each with its golden result.

A file that is read has golden column types (number, text, date, empty, by their first letter) and rows; a
refused one has its code, and the line and column that the refusal names.
"""

import codecs
import datetime
import gzip
from dataclasses import dataclass, field

Cell = str | int | float | datetime.datetime | None

MISSING_WORDS = b",NA,N/A,n/a,<NA>,#N/A,NULL,null,None,NaN,nan".split(b",")


@dataclass(frozen=True)
class Read:
    """`rows` are the golden cells; `dialect` is delimiter, encoding, decimal sign and compression."""

    title: str
    content: bytes
    kinds: str
    rows: list[tuple[Cell, ...]]
    header: tuple[str, ...] = ("a", "b")
    dialect: tuple[str, str, str, str | None] = field(default=(",", "utf-8", ".", None))


@dataclass(frozen=True)
class Refused:
    title: str
    content: bytes
    code: str
    line: int | None = None
    column: str | None = None


def day(year: int, month: int, day_of_month: int, hour: int = 0, minute: int = 0) -> datetime.datetime:
    return datetime.datetime(year, month, day_of_month, hour, minute)  # noqa: DTZ001 - as tables have them


CP1252 = (",", "cp1252", ".", None)
UTF16 = (",", "utf-16", ".", None)
SEMICOLON, GERMAN = (";", "utf-8", ".", None), (";", "utf-8", ",", None)
TAB, BAR = ("\t", "utf-8", ".", None), ("|", "utf-8", ".", None)

READ = [
    Read("UTF-8 with a byte order mark", b"\xef\xbb\xbfa,b\n\xc3\xa9,1\n", "tn", [("é", 1)]),
    Read("a mark before a quoted header", b'\xef\xbb\xbf"a","b"\nx,1\n', "tn", [("x", 1)]),
    Read("UTF-16 of Excel", "a,b\né,1\n".encode("utf-16"), "tn", [("é", 1)], dialect=UTF16),
    Read(
        "UTF-16 the other way round",
        codecs.BOM_UTF16_BE + "a,b\n漢,1\n".encode("utf-16-be"),
        "tn",
        [("漢", 1)],
        dialect=UTF16,
    ),
    Read(
        "Excel's Unicode text: UTF-16 with tabs",
        "a\tb\r\né\t1,5\r\n".encode("utf-16"),
        "tn",
        [("é", 1.5)],
        dialect=("\t", "utf-16", ",", None),
    ),
    Read("cp1252", b"a,b\nJos\xe9,1\n", "tn", [("José", 1)], dialect=CP1252),
    Read(
        "cp1252 with a euro and curly quotes",
        b"a,b\n\x80 \x93x\x94,1\n",
        "tn",
        [("€ “x”", 1)],
        dialect=CP1252,
    ),
    Read("emoji", "a,b\n🐧,1\n".encode(), "tn", [("🐧", 1)]),
    Read("a decomposed letter stays as it is", "a,b\ne\u0301,1\n".encode(), "tn", [("e\u0301", 1)]),
    Read("a right-to-left text", "a,b\nשלום,1\n".encode(), "tn", [("שלום", 1)]),
    Read("semicolons", b"a;b\nx;1\n", "tn", [("x", 1)], dialect=SEMICOLON),
    Read("decimal commas", b"a;b\n1,5;x\n-0,25;y\n", "nt", [(1.5, "x"), (-0.25, "y")], dialect=GERMAN),
    Read(
        "decimal commas beside whole numbers",
        b"a;b\n1,5;2\n2;3\n",
        "nn",
        [(1.5, 2), (2.0, 3)],
        dialect=GERMAN,
    ),
    Read(
        "decimal commas with exponents",
        b"a;b\n1,5e3;2\n2e-1;3\n",
        "nn",
        [(1500.0, 2), (0.2, 3)],
        dialect=GERMAN,
    ),
    Read("tabs", b"a\tb\nx y\t1\n", "tn", [("x y", 1)], dialect=TAB),
    Read("bars", b"a|b\nx,y|1\n", "tn", [("x,y", 1)], dialect=BAR),
    Read(
        "commas in texts between semicolons",
        b"a;b\nx,y,z;1\nu,v,w;2\n",
        "tn",
        [("x,y,z", 1), ("u,v,w", 2)],
        dialect=SEMICOLON,
    ),
    Read("Excel's hint of a delimiter", b"sep=;\na;b\nx;1\n", "tn", [("x", 1)], dialect=SEMICOLON),
    Read(
        "an unlikely hint",
        b"sep=|\r\na|b\r\nx,1;2\ty|1\r\n",
        "tn",
        [("x,1;2\ty", 1)],
        dialect=BAR,
    ),
    Read("a quoted hint after a mark", b'\xef\xbb\xbf"sep=,"\r\na,b\r\nx,1\r\n', "tn", [("x", 1)]),
    Read("CRLF line ends", b"a,b\r\nx,1\r\ny,2\r\n", "tn", [("x", 1), ("y", 2)]),
    Read("CR line ends of old Macs", b"a,b\rx,1\ry,2\r", "tn", [("x", 1), ("y", 2)]),
    Read("mixed line ends", b"a,b\r\nx,1\ny,2\r\n", "tn", [("x", 1), ("y", 2)]),
    Read("no line end after the last row", b"a,b\nx,1", "tn", [("x", 1)]),
    Read("blank lines all over", b"\n\r\na,b\n\nx,1\n\n\n", "tn", [("x", 1)]),
    Read("quoted line breaks", b'a,b\n"x\ny",1\n"z\r\nw",2\n', "tn", [("x\ny", 1), ("z\r\nw", 2)]),
    Read("quoted delimiters and doubled quotes", b'a,b\n"x, ""y""",1\n', "tn", [('x, "y"', 1)]),
    Read("a quote inside a field", b'a,b\n5" pipe,1\n', "tn", [('5" pipe', 1)]),
    Read("everything quoted", b'"a","b"\n"1","2.5"\n"2","3"\n', "nn", [(1, 2.5), (2, 3.0)]),
    Read("a quoted header with a comma", b'"a, x",b\n1,2\n', "nn", [(1, 2)], header=("a, x", "b")),
    Read("blanks around names", b" a ,\tb\n1,2\n", "nn", [(1, 2)]),
    Read("names that only differ in case", b"a,A\n1,2\n", "nn", [(1, 2)], header=("a", "A")),
    Read("years as names", b"2024,2025\n1.5,2.5\n", "nn", [(1.5, 2.5)], header=("2024", "2025")),
    Read("one column", b"a\n1\n2\n", "n", [(1,), (2,)], header=("a",)),
    Read("leading zeros", b"a,b\n007,1\n0012,2\n", "tn", [("007", 1), ("0012", 2)]),
    Read("one leading zero among codes", b"a,b\n12345,1\n01234,2\n", "tn", [("12345", 1), ("01234", 2)]),
    Read("zero itself is a number", b"a,b\n0,1\n0.5,2\n", "nn", [(0.0, 1), (0.5, 2)]),
    Read(
        "signs, bare points and exponents",
        b"a,b\n+1.5,1\n-.5,2\n3.,3\n1E3,4\n",
        "nn",
        [(1.5, 1), (-0.5, 2), (3.0, 3), (1000.0, 4)],
    ),
    Read("whole numbers beyond 64 bits", b"a,b\n99999999999999999999,1\n", "nn", [(1e20, 1)]),
    Read("the largest whole number", b"a,b\n9223372036854775807,1\n", "nn", [(2**63 - 1, 1)]),
    Read("hexadecimal codes", b"a,b\n0x1F,1\n0xA0,2\n", "tn", [("0x1F", 1), ("0xA0", 2)]),
    Read(
        "ISO dates",
        b"a,b\n2026-01-31,1\n2025-12-01,2\n",
        "dn",
        [(day(2026, 1, 31), 1), (day(2025, 12, 1), 2)],
    ),
    Read(
        "moments with and without a T",
        b"a,b\n2026-01-31T10:30:00,1\n2026-01-31 10:30:00,2\n",
        "dn",
        [(day(2026, 1, 31, 10, 30), 1), (day(2026, 1, 31, 10, 30), 2)],
    ),
    Read(
        "moments of several zones",
        b"a,b\n2026-01-31T10:30:00Z,1\n2026-01-31T10:30:00+02:00,2\n",
        "dn",
        [(day(2026, 1, 31, 10, 30), 1), (day(2026, 1, 31, 8, 30), 2)],
    ),
    Read("dates with missing ones", b"a,b\n2026-01-31,1\nNA,2\n", "dn", [(day(2026, 1, 31), 1), (None, 2)]),
    Read(
        "European dates are texts",
        b"a,b\n31.01.2026,1\n01.02.2026,2\n",
        "tn",
        [("31.01.2026", 1), ("01.02.2026", 2)],
    ),
    Read("American dates are texts", b"a,b\n1/31/2026,1\n", "tn", [("1/31/2026", 1)]),
    Read("times of day are texts", b"a,b\n10:30,1\n23:59:59,2\n", "tn", [("10:30", 1), ("23:59:59", 2)]),
    Read(
        "truth values are texts",
        b"a,b\ntrue,False\nfalse,True\n",
        "tt",
        [("true", "False"), ("false", "True")],
    ),
    Read(
        "every word for missing",
        b"a,b\n1,x\n" + b"".join(b"%s,y\n" % word for word in MISSING_WORDS),
        "nt",
        [(1, "x"), *((None, "y") for _ in MISSING_WORDS)],
    ),
    Read(
        "words for missing among texts",
        b'a,b\nx,1\nNA,2\n"",3\n-,4\n',
        "tn",
        [("x", 1), (None, 2), (None, 3), ("-", 4)],
    ),
    Read("a column without values", b"a,b\n,1\nNA,2\n", "en", [(None, 1), (None, 2)]),
    Read("numbers among many texts", b"a,b\nA1,1\nB2,2\n33,3\n", "tn", [("A1", 1), ("B2", 2), ("33", 3)]),
    Read("per cent signs among texts", b"a,b\n5% off,1\nfree,2\n", "tn", [("5% off", 1), ("free", 2)]),
    Read("a field as long as allowed", b"a,b\n" + b"x" * 32_768 + b",1\n", "tn", [("x" * 32_768, 1)]),
    Read("formulas are texts", b"a,b\n=1+1,1\n@x,2\n", "tn", [("=1+1", 1), ("@x", 2)]),
    Read("markup is text", b"a,b\n<b>x</b>,1\n", "tn", [("<b>x</b>", 1)]),
    Read("gzip", gzip.compress(b"a,b\nx,1\n"), "tn", [("x", 1)], dialect=(",", "utf-8", ".", "gzip")),
    Read(
        "gzip in two parts",
        gzip.compress(b"a,b\nx,") + gzip.compress(b"1\n"),
        "tn",
        [("x", 1)],
        dialect=(",", "utf-8", ".", "gzip"),
    ),
    Read(
        "gzip'd UTF-16",
        gzip.compress("a;b\né;1\n".encode("utf-16")),
        "tn",
        [("é", 1)],
        dialect=(";", "utf-16", ".", "gzip"),
    ),
]

REFUSED = [
    Refused("a short row", b"a,b,c\n1,2,3\n4,5\n", "csv_too_few_fields", 3, "c"),
    Refused("a long row", b"a,b\n1,2\n3,4,5\n", "csv_too_many_fields", 3, "b"),
    Refused("a short row after a quoted line break", b'a,b\n"x\ny",2\n3\n', "csv_too_few_fields", 4, "b"),
    Refused(
        "a remark above the header", b"Report of May\na,b\n1,2\n", "csv_too_many_fields", 2, "Report of May"
    ),
    Refused("a total below the rows", b"a,b\n1,2\n3,4\nTotal,6\n", "csv_text_in_number_column", 4, "a"),
    Refused("duplicate names", b"a,b,a\n1,2,3\n", "csv_duplicate_header", 1, "a"),
    Refused("an index without a name", b",a\n0,1\n", "csv_empty_header", 1),
    Refused("no header", b"5.1,3.5\n4.9,3.0\n", "csv_header_missing", 1),
    Refused("a name with a line break", b'"a\nx",b\n1,2\n', "csv_header_unusable", 1),
    Refused("a wrong hint", b"sep=;\na,b\nx,1;y\n", "csv_too_many_fields", 3, "a,b"),
    Refused("a NUL in a cell", b"a,b\n1,2\n3,\x00\n", "csv_nul_byte", 3, "b"),
    Refused("UTF-16 without a mark", "a,b\n1,2\n".encode("utf-16-le"), "csv_nul_byte", 1),
    Refused("UTF-16 with a byte too few", "a,b\n1,2\n".encode("utf-16")[:-1], "csv_undecodable_byte", 2, "b"),
    Refused("UTF-8 cut in a letter", "a,b\né,1\nz,".encode() + b"\xe2\x82", "csv_undecodable_byte", 3, "b"),
    Refused("a quote that never ends", b'a,b\n1,2\n3,"x\n4,y\n', "csv_bad_quote", 3),
    Refused("text after a closing quote", b'a,b\n1,"x"y\n', "csv_bad_quote", 2),
    Refused("thousands separators", b'a,b\n"1,234",2\n"5,678",3\n', "csv_formatted_number", 2, "a"),
    Refused("German thousands", b"a;b\n1.234,5;2\n5.678,5;3\n", "csv_formatted_number", 2, "a"),
    Refused("Swiss thousands", b"a,b\n1'234,2\n5'678,3\n", "csv_formatted_number", 2, "a"),
    Refused(
        "thousands with a hard blank",
        "a;b\n1\u202f234;2\n5\u202f678;3\n".encode(),
        "csv_formatted_number",
        2,
        "a",
    ),
    Refused("per cent signs", b"a,b\n5%,2\n6 %,3\n", "csv_formatted_number", 2, "a"),
    Refused("currency signs", "a,b\n€5,2\n7 €,3\n".encode(), "csv_formatted_number", 2, "a"),
    Refused("both decimal signs", b"a;b\n1,5;2\n2,5;3.5\n", "csv_formatted_number", 3, "b"),
    Refused("a question mark for missing", b"a,b\n1,2\n3,?\n5,6\n", "csv_text_in_number_column", 3, "b"),
    Refused("a unit behind a number", b"a,b\n1,2\n3,4 kg\n5,6\n", "csv_text_in_number_column", 3, "b"),
    Refused("infinity", b"a,b\n1,2\n3,inf\n", "csv_number_out_of_range", 3, "b"),
    Refused("a day that is not", b"a,b\n2026-02-28,1\n2026-02-30,2\n", "csv_text_in_date_column", 3, "a"),
    Refused("a year that is not", b"a,b\n0000-01-01,1\n2026-01-01,2\n", "csv_date_out_of_range", 2, "a"),
    Refused(
        "a word among dates", b"a,b\n2026-01-31,1\n2026-02-01,2\nsoon,3\n", "csv_text_in_date_column", 4, "a"
    ),
    Refused("a field that is too long", b"a,b\n1,x\n2," + b"y" * 32_769 + b"\n", "csv_cell_too_long", 3, "b"),
    Refused("a gzip bomb", gzip.compress(bytes(201 * 1024 * 1024), 1), "csv_too_large"),
    Refused("gzip that is cut off", gzip.compress(b"a,b\n" + b"1,2\n" * 99)[:-12], "csv_corrupt_gzip"),
    Refused("a gzip'd workbook", gzip.compress(b"PK\x03\x04" + b"\0" * 50), "csv_other_format"),
    Refused("a workbook named CSV", b"PK\x03\x04" + b"\0" * 50, "csv_other_format"),
    Refused(
        "a web page",
        b"<!DOCTYPE html>\n<html><body>\n<p>Welcome, please wait</p>\n",
        "csv_too_many_fields",
        3,
        "<!DOCTYPE html>",
    ),
    Refused("nothing", b"", "csv_empty"),
    Refused("a mark and nothing", codecs.BOM_UTF8, "csv_empty"),
    Refused("a header only", b"a,b\r\n", "csv_no_rows"),
    Refused("a hint only", b"sep=;\r\n", "csv_empty"),
]
