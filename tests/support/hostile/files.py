"""CSV files that cannot be read or trained on, and the words of their refusals.

Each is sent to `POST /create` for features `x` and `noise` and label `y`. MARKER stands in cells that must
never be repeated.
"""

import gzip
from dataclasses import dataclass

from tests.support.tables import csv, line_table

MARKER = "zqmarker77"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class HostileFile:
    """`says` lists words that the refusal's detail must contain."""

    name: str
    content: bytes
    says: tuple[str, ...] = ()
    status: int = 422
    model_type: str = "linear"


def _after(row: str, *more: str) -> bytes:
    """A valid table whose line 42 is this row."""
    return line_table() + "\n".join([row, *more, ""]).encode()


def _in_line(row: bytes) -> bytes:
    return line_table() + row + b"\n"


def _headed(header: str) -> bytes:
    return line_table().replace(b"x,noise,y", header.encode(), 1)


FILES = [
    HostileFile("row_with_too_few_fields", _after(f"1,{MARKER}"), ("line 42", "2", "3")),
    HostileFile("row_with_too_many_fields", _after(f"1,2,3,{MARKER}"), ("line 42", "4", "3")),
    HostileFile("duplicate_header", _headed("x,x,y"), ("line 1", "'x'")),
    HostileFile("empty_header", _headed("x,,y"), ("line 1", "2")),
    HostileFile("header_of_blanks", _headed("x,   ,y"), ("line 1", "2")),
    HostileFile("header_with_a_control_character", _headed("x,noi\x07se,y"), ("line 1", "2")),
    HostileFile("header_that_is_too_long", _headed(f"x,noise,y{'y' * 5000}"), ("line 1", "3")),
    HostileFile("header_missing", _headed("1.5,2.5,3.5"), ("line 1", "names")),
    HostileFile("nul_in_a_cell", _in_line(b"1,\x00" + MARKER.encode() + b",3"), ("line 42", "'noise'")),
    HostileFile("nul_in_the_header", _headed("x,noi\x00se,y"), ("line 1",)),
    HostileFile("utf_16_with_an_odd_byte", line_table().decode().encode("utf-16") + b"\x00", ("UTF-8",)),
    HostileFile(
        "utf_16_with_a_lone_surrogate", b"\xff\xfe" + "x,noise,y\n1,".encode("utf-16-le") + b"\x00\xd8,\x00"
    ),
    HostileFile("undecodable_byte", _in_line(b"1,\x81\x8d,3"), ("line 42", "'noise'")),
    HostileFile("broken_utf_8", _in_line("é,1,2\n".encode() + b"\xc3\x28,1,2"), ("line 43", "'x'")),
    HostileFile("empty_file", b"", ("empty",)),
    HostileFile("only_line_ends", b"\n\n\r\n", ("empty",)),
    HostileFile("only_a_header", b"x,noise,y\n", ("row",)),
    HostileFile("one_row", csv("x,noise,y", "1,2,3"), ("row",)),
    HostileFile("too_few_rows_to_test", csv("x,noise,y", "1,2,3", "2,3,4", "3,4,5"), ("row",)),
    HostileFile("text_in_a_number_column", _after(f"1,{MARKER},3"), ("line 42", "'noise'")),
    HostileFile("number_beyond_a_float", _after("1,1e999,3"), ("line 42", "'noise'")),
    HostileFile("number_of_400_digits", _after(f"1,{'9' * 400},3"), ("line 42", "'noise'")),
    HostileFile("infinity", _after("1,inf,3"), ("line 42", "'noise'")),
    HostileFile("two_currencies", _after("1,€5,3", "1,$5,3"), ("line 43", "'noise'")),
    HostileFile("missing_labels", _after("1,2,", "1,3,"), ("'y'", "2")),
    HostileFile(
        "label_of_text_for_a_regression", csv("x,noise,y", *[f"{n},1,{MARKER}{n}" for n in range(40)]), ("y",)
    ),
    HostileFile("quote_never_closed", _after(f'1,"{MARKER},3'), ("line 42",)),
    HostileFile("text_after_a_quote", _after(f'1,"2"{MARKER},3'), ("line 42",)),
    HostileFile("cell_that_is_too_long", _after(f"1,{MARKER * 10_000},3"), ("line 42", "'noise'")),
    HostileFile("too_many_columns", _headed(",".join(f"c{n}" for n in range(3000))), ("3000",)),
    HostileFile(
        "one_class",
        csv("x,noise,y", *[f"{n},1,{MARKER}" for n in range(40)]),
        ("class",),
        model_type="logistic",
    ),
    HostileFile(
        "class_with_one_member",
        csv("x,noise,y", *[f"{n},1,{MARKER if n == 7 else 'b' if n % 2 else 'a'}" for n in range(40)]),
        ("'y'", "one"),
        model_type="logistic",
    ),
    HostileFile("excel_workbook", b"PK\x03\x04" + bytes(range(256)) * 8, ("Excel",)),
    HostileFile("parquet_file", b"PAR1" + bytes(range(256)) * 8, ("Parquet",)),
    HostileFile("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
    HostileFile("web_page", f"<!doctype html><html><body>{MARKER}</body></html>".encode()),
    HostileFile("json", f'[{{"x": 1, "noise": "{MARKER}", "y": 2}}]'.encode()),
    HostileFile("cut_off_gzip", gzip.compress(line_table())[:-20], ("gzip",)),
    HostileFile("broken_gzip", b"\x1f\x8b" + MARKER.encode() * 20, ("gzip",)),
    HostileFile("gzip_bomb", gzip.compress(bytes(210 * MEBIBYTE), 1), ("limit",), status=413),
    HostileFile(
        "file_over_the_limit", line_table() + b"0,0,0\n" * (51 * MEBIBYTE // 6), ("larger",), status=413
    ),
]
