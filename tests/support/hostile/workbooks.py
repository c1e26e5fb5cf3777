"""Workbooks that are damaged, protected, of another kind, or made to fill the memory of their reader."""

import gzip
import io
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.workbooks import Failed, Rows, archive, moment, ods, xlsx

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ROWS: Rows = [["a", "b"], *([n, f"x{n}"] for n in range(30)), [Failed("#N/A"), moment(2025, 1, 1)]]
SHEET, ODS = "xl/worksheets/sheet1.xml", "content.xml"
TYPES = "[Content_Types].xml"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


@dataclass(frozen=True)
class HostileWorkbook:
    name: str
    content: bytes
    code: str


def part(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return packed.read(name).decode()


def with_changed(content: bytes, name: str, old: str, new: str) -> bytes:
    """The archive with a text in one of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        parts = {each: packed.read(each) for each in packed.namelist()}
    assert old in parts[name].decode()
    return archive(parts | {name: parts[name].decode().replace(old, new)})


def with_flag(content: bytes) -> bytes:
    """The archive with the mark of encryption on all of its parts."""
    for header, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in reversed(list(re.finditer(re.escape(header), content))):
            at = match.start() + place
            content = content[:at] + bytes([content[at] | 1]) + content[at + 1 :]
    return content


def with_declared_size(content: bytes, size: int) -> bytes:
    """The archive that says of all its parts that they have this size."""
    for match in list(re.finditer(re.escape(b"PK\x01\x02"), content)):
        at = match.start() + 24
        content = content[:at] + size.to_bytes(4, "little") + content[at + 4 :]
    return content


def cell_far_away(dimension: str) -> bytes:
    """A sheet with a cell in its last row and column; LibreOffice and Excel say so in its dimension."""
    row = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    content = with_changed(xlsx(ROWS), SHEET, "</sheetData>", row)
    declared = re.search('<dimension ref="[^"]*"/>', part(content, SHEET))
    assert declared is not None
    return with_changed(content, SHEET, declared[0], dimension)


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Workbooks with a few other bytes in one of their parts, or in the archive itself."""
    chance = random.Random(seed)  # noqa: S311 - reproducible
    for _ in range(count):
        content = chance.choice((xlsx, ods))(ROWS)
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = {name: packed.read(name) for name in packed.namelist()}
        name = chance.choice(list(parts))
        if chance.random() < 0.7:
            yield archive(parts | {name: _mutate(parts[name], chance)})
        else:
            yield _mutate(content, chance)


def _mutate(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(changed))
        if chance.random() < 0.7:
            # A digit would make references to cells that are far away.
            changed[at] = chance.choice(b"<>/=\"' aZ\x00\xff")
        else:
            del changed[at : at + chance.randint(1, 20)]
    return bytes(changed) or b"PK\x03\x04"


def deep() -> bytes:
    """A sheet with 200,000 elements within each other."""
    depth = 200_000
    return with_changed(xlsx(ROWS), SHEET, "</sheetData>", "</sheetData>" + "<a>" * depth + "</a>" * depth)


def _with_entities() -> bytes:
    """A cell of an entity that stands for 100 GB."""
    entities = [f'<!ENTITY a "{"x" * 1000}">']
    entities += [f'<!ENTITY {name} "{f"&{before};" * 100}">' for before, name in ("ab", "bc", "cd", "de")]
    declared = f"?><!DOCTYPE x [{''.join(entities)}]>"
    return with_changed(with_changed(ods(ROWS), ODS, "?>", declared), ODS, "x7", "&e;")


CUT_SHEET = with_changed(xlsx(ROWS), SHEET, "</sheetData>", "")
CUT_SPREADSHEET = with_changed(ods(ROWS), ODS, "</table:table>", "")
UNKNOWN_TEXT = with_changed(xlsx(ROWS), SHEET, "<v>0</v>", "<v>99</v>")
ENCRYPTED_OLE = OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le")
ENCRYPTED_SPREADSHEET = with_changed(
    ods(ROWS), "META-INF/manifest.xml", "/>", "><manifest:encryption-data/></manifest:file-entry>"
)
WORD_DOCUMENT = archive({TYPES: f'<Types><Override ContentType="{WORD}"/></Types>'})
TEXT_DOCUMENT = archive({"mimetype": "application/vnd.oasis.opendocument.text"})
BLANKS = with_changed(ods(ROWS), ODS, "x7", '<text:s text:c="4000000000"/>')

WORKBOOKS = [
    HostileWorkbook("cut_off", xlsx(ROWS)[:-400], "workbook_corrupt"),
    HostileWorkbook("only_a_beginning", b"PK\x03\x04", "workbook_corrupt"),
    HostileWorkbook("cut_off_sheet", CUT_SHEET, "workbook_corrupt"),
    HostileWorkbook("cut_off_spreadsheet", CUT_SPREADSHEET, "workbook_corrupt"),
    HostileWorkbook("unknown_text", UNKNOWN_TEXT, "workbook_corrupt"),
    HostileWorkbook("other_ole_file", OLE + bytes(range(256)) * 20, "workbook_corrupt"),
    HostileWorkbook("entities", _with_entities(), "workbook_corrupt"),
    HostileWorkbook("size_that_is_not_true", with_declared_size(xlsx(ROWS), 10), "workbook_corrupt"),
    HostileWorkbook("encrypted_package", ENCRYPTED_OLE, "workbook_encrypted"),
    HostileWorkbook("encrypted_zip", with_flag(xlsx(ROWS)), "workbook_encrypted"),
    HostileWorkbook("encrypted_spreadsheet", ENCRYPTED_SPREADSHEET, "workbook_encrypted"),
    HostileWorkbook("zip_archive", archive({"table.csv": "a,b\n1,2\n"}), "csv_other_format"),
    HostileWorkbook("word_document", WORD_DOCUMENT, "csv_other_format"),
    HostileWorkbook("text_document", TEXT_DOCUMENT, "csv_other_format"),
    HostileWorkbook("workbook_within_gzip", gzip.compress(xlsx(ROWS)), "csv_other_format"),
    HostileWorkbook("no_cells", xlsx([], []), "csv_empty"),
    HostileWorkbook("no_cells_in_a_spreadsheet", ods([[None]]), "csv_empty"),
    HostileWorkbook("only_a_header", xlsx([["a", "b"]]), "csv_no_rows"),
    HostileWorkbook("cell_far_away", cell_far_away('<dimension ref="A1:XFD1048576"/>'), "csv_too_large"),
    HostileWorkbook("cell_far_away_undeclared", cell_far_away(""), "csv_too_large"),
    HostileWorkbook("many_blanks_in_a_cell", BLANKS, "csv_too_large"),
    HostileWorkbook("size_beyond_the_limit", with_declared_size(xlsx(ROWS), 300 << 20), "csv_too_large"),
]
