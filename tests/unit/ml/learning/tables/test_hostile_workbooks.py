"""Damaged, protected and hostile workbooks: refused with a reason, in bounded memory."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.hostile.workbooks import (
    ROWS,
    SHEET,
    WORKBOOKS,
    HostileWorkbook,
    cell_far_away,
    deep,
    mutations,
    with_changed,
)
from tests.support.workbooks import xlsx

from kit.identity import UserId
from ml_service.learning.tables import DEFAULT_LIMITS, MEGABYTE, CsvError, CsvLimits, read_table
from ml_service.learning.tables.row_stream import open_rows
from ml_service.store.errors import ReaderDied
from ml_service.store.process_pool import ProcessPool

ReadFile = Callable[[Path], object]


def count_rows(path: Path) -> int:
    return open_rows(path, DEFAULT_LIMITS).count()


@pytest.mark.parametrize("workbook", WORKBOOKS, ids=lambda workbook: workbook.name)
@pytest.mark.parametrize("read", [read_table, count_rows])
def test_hostile_workbook_is_refused(workbook: HostileWorkbook, read: ReadFile, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(workbook.content)
    with pytest.raises(CsvError) as caught:
        read(path)
    assert caught.value.code == workbook.code
    assert caught.value.detail.endswith(".")


def test_damaged_workbooks_are_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "table"
    refused = 0
    for content in mutations(seed=7, count=150):
        path.write_bytes(content)
        try:
            read_table(path)
        except CsvError:
            refused += 1
    assert refused > 50


def test_deep_sheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(deep())
    assert read_table(path).rows == 31


def test_macros_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(xlsx(ROWS, parts={"xl/vbaProject.bin": bytes(10 * MEGABYTE)}))
    assert read_table(path, CsvLimits(unpacked_bytes=MEGABYTE)).rows == 31


def test_announced_number_of_texts_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "table"
    content = with_changed(xlsx(ROWS), "xl/sharedStrings.xml", 'uniqueCount="', 'uniqueCount="9999999999')
    path.write_bytes(content)
    assert read_table(path).rows == 31


def test_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "table"
    blanks = " " * (300 * MEGABYTE)
    path.write_bytes(with_changed(xlsx(ROWS), SHEET, "<sheetData>", f"{blanks}<sheetData>"))
    assert path.stat().st_size < MEGABYTE
    del blanks
    tracemalloc.start()
    with pytest.raises(CsvError) as caught:
        read_table(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "csv_too_large"
    assert peak < MEGABYTE


async def test_sheet_that_hides_its_extent_ends_its_process_alone(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(cell_far_away('<dimension ref="A1:B9"/>'))
    with pytest.raises(ReaderDied):
        await ProcessPool(1).run(read_table, path, user=UserId(1))
