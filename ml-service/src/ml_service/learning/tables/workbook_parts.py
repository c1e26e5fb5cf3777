"""Parts of a workbook's archive: unpacked within limits, and prepared for calamine.

Calamine drops the errors of formulas, so they become texts here. It reserves what a file announces, so that
is checked or removed.
"""

import contextlib
import re
import struct
import zipfile
import zlib
from collections.abc import Generator
from typing import IO, Literal
from xml.parsers import expat

import python_calamine

from ml_service.learning.tables.errors import CorruptWorkbook, FileTooLarge, NotCsv, WorkbookEncrypted
from ml_service.learning.tables.table import CsvLimits, check_unpacked_size

Suffix = Literal[".xlsx", ".xlsb", ".ods", ".xls"]

ENCRYPTED = 1
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument."
CONTENT_TYPES = "[Content_Types].xml"
# As long as a list of thousands of parts.
MOST_TYPES = 1 << 20
# Workbooks and templates, with macros or without.
WORKBOOK_TYPE = re.compile(rb"(spreadsheetml|ms-excel)\.(sheet|template|addin)[.\w]*main\+xml")
OPEN_DOCUMENT_PARTS = {"mimetype", "content.xml", "META-INF/manifest.xml"}
# Parts of an Excel workbook that have no cells.
WITHOUT_CELLS = re.compile(
    r"(^|/)(docProps|customXml|theme|media|drawings|charts|chartsheets|diagrams|embeddings|externalLinks"
    r"|pivotCache|pivotTables|printerSettings|tables|queryTables|threadedComments|persons|model|ctrlProps"
    r"|activeX|vbaProject\.bin|calcChain\.|comments\d*\.)",
    re.IGNORECASE,
)
WORKSHEET = re.compile(r"(^|/)worksheets/[^/]+\.xml$", re.IGNORECASE)
SHEET_DATA = re.compile(rb"<(?:\w+:)?sheetData\b")
REFERENCE = rb"([A-Z]{1,3})(\d{1,7})"
DIMENSION = re.compile(rb"<(?:\w+:)?dimension\b[^<>]*\bref=[\"']" + REFERENCE + rb":" + REFERENCE)
FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b[^<>]*?\br=[\"']" + REFERENCE + rb"[\"'][^<>]*(?<!/)>")
ERROR_CELL = re.compile(rb"""(<(?:\w+:)?c\b[^<>]*?\bt=)(["'])e\2""")
MERGED_CELLS = re.compile(rb"<(?:\w+:)?mergeCells\b.*?</(?:\w+:)?mergeCells\s*>", re.DOTALL)
UNIQUE_COUNT = re.compile(rb"""\buniqueCount=(["'])\d*\1""")
# LibreOffice stores an empty text with an error, which hides the one that it shows.
OPEN_DOCUMENT_ERROR = re.compile(rb"""<table:table-cell\b[^<>]*\bcalcext:value-type=["']error["'][^<>]*>""")
EMPTY_TEXT = re.compile(rb"""\boffice:string-value=(["'])\1""")
# Blanks of one cell, each of which calamine writes out.
MANY_BLANKS = re.compile(rb"""\btext:c=["']\d{5,}""")
# Calamine has 32 bytes for each cell of the rectangle around all filled ones, twice.
MOST_CELLS = 20_000_000
TOO_FAR_APART = (
    f"The cells of a sheet lie too far apart: {MOST_CELLS:,} cells, with the empty ones between them, are "
    "the limit; delete what is beside the table."
)
DAMAGED = "The Excel workbook or zip archive is damaged or cut off; save it again."
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError, struct.error),
    *(OSError, expat.ExpatError, python_calamine.CalamineError),
)


def suffix_of(archive: zipfile.ZipFile) -> Suffix:
    """The format of a workbook; raises NotCsv for other archives."""
    if any(part.flag_bits & ENCRYPTED for part in archive.infolist()):
        raise WorkbookEncrypted
    if "mimetype" in archive.namelist():
        with archive.open("mimetype") as file:
            type_ = file.read(100)
        if type_.startswith(OPEN_DOCUMENT + b"spreadsheet"):
            return ".ods"
        if type_.startswith(OPEN_DOCUMENT):
            raise NotCsv("This OpenDocument file is no spreadsheet; save its table as one, or as CSV.")
    if CONTENT_TYPES in archive.namelist():
        with archive.open(CONTENT_TYPES) as file:
            types = file.read(MOST_TYPES)
        if b"ms-excel.sheet.binary" in types:
            return ".xlsb"
        if WORKBOOK_TYPE.search(types):
            return ".xlsx"
        raise NotCsv("This Office document is no workbook; save its table as an Excel workbook, or as CSV.")
    raise NotCsv("This is a zip archive; unpack it and send the file with the table.")


def copy_cells(archive: zipfile.ZipFile, suffix: Suffix, copy: IO[bytes], limits: CsvLimits) -> None:
    """Write the parts with cells to an archive without compression, unless they are too large."""
    # Of parts with the same name, the last one counts.
    parts = {part.filename: part for part in archive.infolist() if _has_cells(part, suffix)}
    # The archive says how large they are, and no more than that is unpacked.
    check_unpacked_size(sum(part.file_size for part in parts.values()), limits)
    with zipfile.ZipFile(copy, "w") as packed:
        # The manifest says whether the others are encrypted.
        for name, part in sorted(parts.items(), key=lambda each: each[0] != "META-INF/manifest.xml"):
            with refuse_damage():
                content = archive.read(part)
            packed.writestr(name, _prepare(name, content, suffix))
    copy.flush()


@contextlib.contextmanager
def refuse_damage() -> Generator[None]:
    try:
        yield
    except python_calamine.PasswordError as error:
        raise WorkbookEncrypted from error
    except DAMAGE as error:
        raise CorruptWorkbook(DAMAGED) from error
    except BaseException as error:
        # A panic of Rust is no Exception, and its class has no name to import.
        if type(error).__name__ != "PanicException":
            raise
        raise CorruptWorkbook(DAMAGED) from error


def _has_cells(part: zipfile.ZipInfo, suffix: Suffix) -> bool:
    if suffix == ".ods":
        return part.filename in OPEN_DOCUMENT_PARTS
    return not part.is_dir() and not WITHOUT_CELLS.search(part.filename)


def _prepare(name: str, content: bytes, suffix: Suffix) -> bytes:
    if suffix == ".ods":
        if name == "META-INF/manifest.xml" and b"encryption-data" in content:
            raise WorkbookEncrypted
        return _prepare_open_document(content) if name == "content.xml" else content
    if suffix == ".xlsx" and name.lower().endswith("sharedstrings.xml"):
        return UNIQUE_COUNT.sub(b"", content, count=1)
    return _prepare_worksheet(content) if suffix == ".xlsx" and WORKSHEET.search(name) else content


def _prepare_worksheet(content: bytes) -> bytes:
    """A worksheet with its merged cells in front; calamine would read all of it again to find them behind."""
    begin = SHEET_DATA.search(content)
    if begin is None:
        return content
    _check_extent(content)
    if b't="e"' in content or b"t='e'" in content:
        content = ERROR_CELL.sub(rb"\1\2str\2", content)
    merged = MERGED_CELLS.search(content, content.rfind(b"sheetData"))
    ranges = b"<mergeCells></mergeCells>" if merged is None else merged[0]
    return b"".join((content[: begin.start()], ranges, content[begin.start() :]))


def _check_extent(content: bytes) -> None:
    """Refuse cells far from each other; formatted ones without a value do not count."""
    declared = DIMENSION.search(content)
    if declared and _area(_place(*declared.groups()[:2]), _place(*declared.groups()[2:])) <= MOST_CELLS:
        return
    places = [_place(*match.groups()) for match in FILLED_CELL.finditer(content)]
    if places:
        rows, columns = zip(*places, strict=True)
        if _area((min(rows), min(columns)), (max(rows), max(columns))) > MOST_CELLS:
            raise FileTooLarge(TOO_FAR_APART)


def _place(letters: bytes, row: bytes) -> tuple[int, int]:
    column = 0
    for letter in letters:
        column = 26 * column + letter - ord("A") + 1
    return int(row), column


def _area(first: tuple[int, int], last: tuple[int, int]) -> int:
    return (last[0] - first[0] + 1) * (last[1] - first[1] + 1)


def _prepare_open_document(content: bytes) -> bytes:
    with refuse_damage():
        # Calamine would wait for the end of one that was cut off.
        expat.ParserCreate().Parse(content, True)
    if MANY_BLANKS.search(content):
        raise FileTooLarge("A cell has over 10,000 blanks in a row; remove them.")
    if b"calcext:value-type=" not in content:
        return content
    return OPEN_DOCUMENT_ERROR.sub(lambda cell: EMPTY_TEXT.sub(b"", cell[0]), content)
