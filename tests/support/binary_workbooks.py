"""Workbooks in the binary formats of Excel, .xls and .xlsb, with numbers, texts, dates and errors."""

import struct
from collections.abc import Sequence

from tests.support.workbooks import PACKAGE, RELATIONS, XML, Failed, Formatted, archive

Cell = str | float | Failed | Formatted | None
Rows = Sequence[Sequence[Cell]]

SECTOR = 512
# Marks of the table of sectors: the end of a stream, a free sector, and a sector of the table itself.
END, FREE, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
# Below this size a stream would lie in another place.
SMALLEST_STREAM = 4096
DATE_FORMAT, PLAIN, DATE = 14, 0, 1
DIVISION_BY_ZERO = 7


def xls(rows: Rows, name: str = "Sheet1") -> bytes:
    """A workbook of Excel 97: records in a stream within an OLE file."""
    formats = _record(0xE0, struct.pack("<HH16x", 0, 0)) + _record(
        0xE0, struct.pack("<HH16x", 0, DATE_FORMAT)
    )
    sheet_size = len(_bound_sheet(0, name)) + len(_record(0x0A, b""))
    begin = _begin(5) + formats
    globals_ = begin + _bound_sheet(len(begin) + sheet_size, name) + _record(0x0A, b"")
    cells = b"".join(
        _xls_cell(row, column, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
        if cell is not None
    )
    return _ole_file("Workbook", globals_ + _begin(0x10) + cells + _record(0x0A, b""))


def xlsb(rows: Rows, name: str = "Sheet1") -> bytes:
    """A binary workbook of Excel 2007: records in parts of an archive."""
    sheet = b"".join(_xlsb_row(number, row) for number, row in enumerate(rows))
    extent = struct.pack("<4I", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    bundle = struct.pack("<II", 0, 1) + _wide("rId1") + _wide(name)
    styles = b"".join(_big(0x2F, struct.pack("<HH12x", 0, format)) for format in (0, DATE_FORMAT))
    types = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    return archive(
        {
            "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
            f'<Override PartName="/xl/workbook.bin" ContentType="{types}"/></Types>',
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.bin")),
            "xl/_rels/workbook.bin.rels": _relations(
                ("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin")
            ),
            "xl/workbook.bin": _big(0x83) + _big(0x8F) + _big(0x9C, bundle) + _big(0x90) + _big(0x84),
            "xl/styles.bin": _big(0x116) + _big(0x269, struct.pack("<I", 2)) + styles + _big(0x26A),
            "xl/worksheets/sheet1.bin": _big(0x81)
            + _big(0x94, extent)
            + _big(0x91)
            + sheet
            + _big(0x92)
            + _big(0x82),
        }
    )


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 1997, 0, 6))


def _bound_sheet(position: int, name: str) -> bytes:
    return _record(0x85, struct.pack("<IBBBB", position, 0, 0, len(name), 0) + name.encode("latin-1"))


def _xls_cell(row: int, column: int, cell: Cell) -> bytes:
    style = DATE if isinstance(cell, Formatted) else PLAIN
    place = struct.pack("<HHH", row, column, style)
    match cell:
        case str():
            return _record(0x204, place + struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le"))
        case Failed():
            return _record(0x205, place + bytes([DIVISION_BY_ZERO, 1]))
        case Formatted():
            return _record(0x203, place + struct.pack("<d", cell.value))
        case _:
            return _record(0x203, place + struct.pack("<d", cell))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _ole_file(name: str, stream: bytes) -> bytes:
    """An OLE file with one stream: header, table of sectors, directory, and the stream."""
    stream = stream.ljust(max(SMALLEST_STREAM, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    count = len(stream) // SECTOR
    chain = [TABLE, END, *range(3, count + 2), END]
    table = struct.pack("<128I", *chain, *[FREE] * (128 - len(chain)))
    sizes = struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    places = struct.pack("<9I", 0, 1, 1, 0, SMALLEST_STREAM, END, 0, END, 0)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + sizes + places
    header += struct.pack("<109I", 0, *[FREE] * 108)
    directory = _entry("Root Entry", 5, 1, END, 0) + _entry(name, 2, FREE, 2, len(stream))
    return header + table + directory.ljust(SECTOR, b"\0") + stream


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    encoded = f"{name}\0".encode("utf-16-le")
    links = struct.pack("<HBBIII", len(encoded), kind, 1, FREE, FREE, child)
    return encoded.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)


def _xlsb_row(number: int, row: Sequence[Cell]) -> bytes:
    cells = [_xlsb_cell(column, cell) for column, cell in enumerate(row) if cell is not None]
    return _big(0, struct.pack("<I13x", number)) + b"".join(cells)


def _xlsb_cell(column: int, cell: Cell) -> bytes:
    style = DATE if isinstance(cell, Formatted) else PLAIN
    place = struct.pack("<II", column, style)
    match cell:
        case str():
            return _big(6, place + _wide(cell))
        case Failed():
            return _big(3, place + bytes([DIVISION_BY_ZERO]))
        case Formatted():
            return _big(5, place + struct.pack("<d", cell.value))
        case _:
            return _big(5, place + struct.pack("<d", cell))


def _big(kind: int, content: bytes = b"") -> bytes:
    """A record whose kind and size have seven bits in a byte."""
    numbers = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size, rest = bytearray(), len(content)
    while True:
        size.append(rest & 0x7F | (0x80 if rest > 0x7F else 0))
        rest >>= 7
        if not rest:
            return numbers + bytes(size) + content


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _relations(*targets: tuple[str, str]) -> str:
    entries = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{entries}</Relationships>'
