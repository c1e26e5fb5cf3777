"""Files of workbooks, recognised by their content and opened by calamine."""

import contextlib
import zipfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ml_service.learning.tables.errors import FileTooLarge, WorkbookEncrypted
from ml_service.learning.tables.table import CsvLimits, check_file_size
from ml_service.learning.tables.workbook_parts import (
    MOST_CELLS,
    TOO_FAR_APART,
    copy_cells,
    refuse_damage,
    suffix_of,
)

ZIP = b"PK\x03\x04"
# The magic number of OLE files: old workbooks, and new ones with a password.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PREFIX = "farebox-"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class Workbook:
    """`sheets` names the worksheets, visible ones first; errors of formulas count in XML formats only."""

    file: CalamineWorkbook
    sheets: Sequence[str]
    counts_errors: bool

    def load(self, name: str) -> CalamineSheet:
        with refuse_damage():
            sheet = self.file.get_sheet_by_name(name)
        if sheet.height * sheet.width > MOST_CELLS:
            raise FileTooLarge(TOO_FAR_APART)
        return sheet

    def close(self) -> None:
        """Give back the unpacked file; sheets that are loaded stay."""
        self.file.close()


def is_workbook(path: Path) -> bool:
    """True for zip archives and OLE files; `open_workbook` refuses those that are no workbooks."""
    with path.open("rb") as file:
        begin = file.read(len(OLE))
    return begin == OLE or begin.startswith(ZIP)


def open_workbook(path: Path, limits: CsvLimits) -> Workbook:
    check_file_size(path.stat().st_size, limits)
    with path.open("rb") as file:
        is_ole = file.read(len(OLE)) == OLE
        file.seek(0)
        with _copy_old(file) if is_ole else _copy_zipped(file, limits) as copy, refuse_damage():
            # The suffix decides on the format. Calamine keeps the file open after its name is gone.
            workbook = CalamineWorkbook.from_path(copy.name)
            described = workbook.sheets_metadata
    sheets = [each for each in described if each.typ == SheetTypeEnum.WorkSheet]
    sheets.sort(key=lambda each: each.visible != SheetVisibleEnum.Visible)
    counts_errors = copy.name.endswith((".xlsx", ".ods"))
    return Workbook(workbook, [each.name for each in sheets], counts_errors)


@contextlib.contextmanager
def _copy_old(file: IO[bytes]) -> Generator[IO[bytes]]:
    content = file.read()
    if ENCRYPTED_PACKAGE in content:
        raise WorkbookEncrypted
    with NamedTemporaryFile(prefix=PREFIX, suffix=".xls") as copy:
        copy.write(content)
        copy.flush()
        yield copy


@contextlib.contextmanager
def _copy_zipped(file: IO[bytes], limits: CsvLimits) -> Generator[IO[bytes]]:
    with refuse_damage():
        archive = zipfile.ZipFile(file)
        suffix = suffix_of(archive)
    with NamedTemporaryFile(prefix=PREFIX, suffix=suffix) as copy:
        copy_cells(archive, suffix, copy, limits)
        yield copy
