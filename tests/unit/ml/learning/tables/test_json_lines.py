"""JSON Lines: types of columns, exact numbers, and the lines of what is refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.workbooks import moment

from ml_service.learning.tables import (
    DEFAULT_LIMITS,
    ColumnReading,
    CsvError,
    CsvLimits,
    Reading,
    Table,
    read_table,
)
from ml_service.learning.tables.row_stream import open_rows

Read = Callable[..., Table]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(
        *rows: str, reading: Reading | None = None, limits: CsvLimits = DEFAULT_LIMITS
    ) -> Table:
        path = tmp_path / "table"
        path.write_text("".join(f"{row}\n" for row in rows))
        return read_table(path, limits, reading=reading or Reading())

    return write_and_read


def cells(table: Table) -> dict[str, tuple[str | None, list[Any]]]:
    return {name: (each.reading.type, each.cells.to_pylist()) for name, each in table.columns.items()}


def test_cells_keep_their_types_and_missing_keys_are_missing_cells(read: Read) -> None:
    table = read(
        '{"whole": 1, "number": 1.5, "text": "a", "truth": true, "day": "2025-12-31"}',
        '{"number": 2, "text": "12", "truth": false, "day": "2025-01-02T10:00:00Z"}',
        '{"whole": null, "number": NaN, "text": "", "day": "1999-01-01", "late": 7}',
    )
    assert table.format == "json"
    assert cells(table) == {
        "whole": ("whole", [1, None, None]),
        "number": ("number", [1.5, 2, None]),
        "text": ("text", ["a", "12", None]),
        "truth": ("boolean", ["true", "false", None]),
        "day": ("date", [moment(2025, 12, 31), moment(2025, 1, 2, 10), moment(1999, 1, 1)]),
        "late": ("whole", [None, None, 7]),
    }


def test_texts_that_look_like_numbers_are_texts(read: Read) -> None:
    assert cells(read('{"a": "1"}', '{"a": "2"}')) == {"a": ("text", ["1", "2"])}


@pytest.mark.parametrize("number", ["12345678901234567890", "9007199254740993", "1" * 30])
def test_long_whole_numbers_are_kept_exactly(number: str, read: Read) -> None:
    table = read('{"a": 1}', f'{{"a": {number}}}')
    assert cells(table) == {"a": ("text", ["1", number])}
    [finding] = table.findings
    assert (finding.code, "line 2" in finding.detail) == ("long_numbers", True)


def test_number_beyond_1e30_needs_a_decision(read: Read) -> None:
    decision = read('{"a": 1}', '{"a": 2.5}', '{"a": 1e300}').columns["a"].decision
    assert decision is not None
    assert (decision.place, list(decision.places)) == ("line", [3])


def test_set_types_are_used(read: Read) -> None:
    columns = {"a": ColumnReading(type="text"), "b": ColumnReading(type="omitted")}
    table = read('{"a": 1, "b": 2}', '{"a": 2.5, "b": 3}', reading=Reading(columns=columns))
    assert (table.header, cells(table)) == (("a", "b"), {"a": ("text", ["1", "2.5"])})


def test_dates_that_follow_many_others_are_texts_as_written(read: Read) -> None:
    rows = ['{"a": 1, "b": null}'] * 5000
    table = read(*rows, '{"a": 1, "b": "2025-01-01 10:00"}', '{"a": 1, "b": "soon"}')
    assert table.columns["b"].cells.to_pylist()[-2:] == ["2025-01-01 10:00", "soon"]
    assert table.header == ("a", "b")


def test_blank_lines_and_a_byte_order_mark_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "table.jsonl.gz"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf\r\n{"a": 1}\r\n\r\n{"a": 2}\r\n\r\n'))
    table = read_table(path)
    assert cells(table) == {"a": ("whole", [1, 2])}
    assert (table.reading.compression, table.reading.encoding) == ("gzip", "utf-8")


ROW = '{"a": 1, "b": "x"}'


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ('{"a": "x", "b": "x"}', "json_types_mixed", "a"),
        ('{"a": true, "b": "x"}', "json_types_mixed", "a"),
        ('{"a": 1, "b": 2}', "json_types_mixed", "b"),
        ('{"a": [1], "b": "x"}', "json_type_unsupported", "a"),
        ('{"a": 1, "c": {"d": 1}}', "json_type_unsupported", "c"),
        ('{"a": 1, "c": []}', "json_type_unsupported", "c"),
        ('{"a": 1e999, "b": "x"}', "csv_text_in_number_column", "a"),
        ('{"a": 1, "a": 2}', "json_corrupt", None),
        ('{"a": 1', "json_corrupt", None),
        ('{"a": 1} {"a": 2}', "json_corrupt", None),
        ("[1]", "json_corrupt", None),
        ("1", "json_corrupt", None),
        ('{"a": 1, "b": "\\ud800"}', "json_corrupt", "b"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "json_type_unsupported", None),
        ('{"a": ' + '{"b":' * 100_000 + "1" + "}" * 100_001, "json_type_unsupported", None),
    ],
)
@pytest.mark.parametrize("count", [False, True])
def test_unreadable_line_is_refused_with_its_number(
    line: str, code: str, column: str | None, count: bool, tmp_path: Path
) -> None:
    path = tmp_path / "table"
    path.write_text(f"{ROW}\n\n{ROW}\n{line}\n{ROW}\n")
    with pytest.raises(CsvError) as caught:
        open_rows(path, DEFAULT_LIMITS).count() if count else read_table(path)
    members = {"line": 4} | ({"column": column} if column else {})
    assert (caught.value.code, caught.value.members) == (code, members)


def test_object_over_several_lines_is_refused(read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read("{", '"a": 1', "}")
    assert (caught.value.code, caught.value.members) == ("json_corrupt", {"line": 1})


def test_array_is_refused_with_what_to_do(read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read("[", '{"a": 1},', '{"a": 2}', "]")
    assert caught.value.code == "csv_other_format"
    assert "JSON Lines" in caught.value.detail


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (['{"a": 1, " a": 2}'], "csv_duplicate_header"),
        (['{"": 1}'], "csv_empty_header"),
        (['{"a\\nb": 1}'], "csv_header_unusable"),
        (['{"a": "\\u0000"}'], "csv_nul_byte"),
        (["{}", "{}"], "csv_empty"),
    ],
)
def test_unusable_names_and_cells_are_refused(rows: list[str], code: str, read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read(*rows)
    assert caught.value.code == code


def test_limits_hold(read: Read) -> None:
    rows = [json.dumps({"a": "long text", "b": number}) for number in range(3)]
    for limits, code in (
        (CsvLimits(rows=2), "csv_too_many_rows"),
        (CsvLimits(columns=1), "csv_too_many_columns"),
        (CsvLimits(cell_length=3), "csv_cell_too_long"),
        (CsvLimits(unpacked_bytes=10), "csv_too_large"),
    ):
        with pytest.raises(CsvError) as caught:
            read(*rows, limits=limits)
        assert caught.value.code == code


def test_line_of_many_megabytes_is_refused(read: Read) -> None:
    with pytest.raises(CsvError) as caught:
        read('{"a": 1}', json.dumps({"a": 1, "b": "x" * 5_000_000}))
    assert (caught.value.code, caught.value.members["line"]) == ("csv_cell_too_long", 2)
