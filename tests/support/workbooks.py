"""Workbooks as Excel and LibreOffice write them: cells, sheets, merged ranges and other parts."""

import csv
import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DAYS_TO_1904 = 1462


@dataclass(frozen=True)
class Failed:
    """The result of a formula that failed, such as #DIV/0!."""

    error: str


@dataclass(frozen=True)
class Formatted:
    """A number with a number format, by the id that Excel has for it."""

    value: float
    format: int


Cell = str | float | bool | date | datetime | time | timedelta | Failed | Formatted | None
Rows = Sequence[Sequence[Cell]]
# Styles of dates, moments, times, durations, percentages, and of a format of our own.
STYLES = {date: 1, datetime: 2, time: 3, timedelta: 4}
FORMATS = (0, 14, 22, 21, 46, 9, 10, 31, 164)


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """A moment without a zone, as spreadsheets and tables have them."""
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001


EPOCH = moment(1899, 12, 30)


def xlsx(
    *sheets: Rows,
    names: Sequence[str] = (),
    merged: Sequence[str] = (),
    hidden: Sequence[str] = (),
    since_1904: bool = False,
    parts: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """An Excel workbook; `parts` adds or replaces parts of the archive."""
    names = [*names, *(f"Sheet{number}" for number in range(len(names) + 1, len(sheets) + 1))]
    strings: dict[str, int] = {}
    days = DAYS_TO_1904 if since_1904 else 0
    pages = [_worksheet(rows, strings, merged, days) for rows in sheets]
    numbered = list(enumerate(names, start=1))
    entries = "".join(
        f'<sheet name="{escape(name)}" sheetId="{number}"{_state(name, hidden)} r:id="rId{number}"/>'
        for number, name in numbered
    )
    relations = [_relation(number, "worksheet", f"worksheets/sheet{number}.xml") for number, _ in numbered]
    relations += [_relation(98, "styles", "styles.xml"), _relation(99, "sharedStrings", "sharedStrings.xml")]
    types = "".join(_override(f"worksheets/sheet{number}", "worksheet") for number, _ in numbered)
    contents: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
        f'<Default Extension="xml" ContentType="application/xml"/>{_override("workbook", "sheet.main")}'
        f"{types}</Types>",
        "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f"{_relation(1, 'officeDocument', 'xl/workbook.xml')}</Relationships>",
        "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}">'
        f'<workbookPr date1904="{int(since_1904)}"/><sheets>{entries}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
        f"{''.join(relations)}</Relationships>",
        "xl/styles.xml": _styles(),
        "xl/sharedStrings.xml": _shared_strings(strings),
    }
    contents |= {f"xl/worksheets/sheet{number}.xml": page for number, page in enumerate(pages, start=1)}
    return archive(contents | dict(parts or {}))


def ods(*sheets: Rows, names: Sequence[str] = (), parts: Mapping[str, str | bytes] | None = None) -> bytes:
    """An OpenDocument spreadsheet."""
    names = [*names, *(f"Sheet{number}" for number in range(len(names) + 1, len(sheets) + 1))]
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(_ods_row, rows))}</table:table>'
        for name, rows in zip(names, sheets, strict=True)
    )
    spaces = "".join(
        f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{prefix}:1.0"'
        for prefix in ("office", "table", "text")
    )
    contents: dict[str, str | bytes] = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f'{XML}<office:document-content{spaces} xmlns:calcext="urn:org:documentfoundation:'
        f'names:experimental:calc:xmlns:calcext:1.0"><office:body><office:spreadsheet>{tables}'
        "</office:spreadsheet></office:body></office:document-content>",
        "META-INF/manifest.xml": f'{XML}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:'
        'xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/"/></manifest:manifest>',
    }
    return archive(contents | dict(parts or {}))


def rows_of_csv(content: bytes, texts: Collection[str]) -> list[list[Cell]]:
    """The rows of a CSV file, with numbers but for some columns, as a workbook has them."""
    header, *rows = csv.reader(io.StringIO(content.decode()))
    cells = [[_typed(text, name in texts) for name, text in zip(header, row, strict=True)] for row in rows]
    return [[*header], *cells]


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


def reference(row: int, column: int) -> str:
    """The name of a cell, such as B7; row and column count from 1."""
    letters = ""
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row}"


def _typed(text: str, is_text: bool) -> Cell:
    if not text or text == "NA":
        return None
    return text if is_text else float(text)


def _worksheet(rows: Rows, strings: dict[str, int], merged: Sequence[str], days: int) -> str:
    width = max(map(len, rows), default=1)
    body = "".join(_row(number, row, strings, days) for number, row in enumerate(rows, start=1))
    ranges = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    merges = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return (
        f'{XML}<worksheet xmlns="{MAIN}"><dimension ref="A1:{reference(max(len(rows), 1), width)}"/>'
        f"<sheetData>{body}</sheetData>{merges}</worksheet>"
    )


def _row(number: int, row: Sequence[Cell], strings: dict[str, int], days: int) -> str:
    cells = [_cell(reference(number, place), cell, strings, days) for place, cell in enumerate(row, start=1)]
    return f'<row r="{number}">{"".join(cells)}</row>' if row else ""


def _cell(place: str, cell: Cell, strings: dict[str, int], days: int) -> str:
    match cell:
        case None:
            return ""
        case str():
            return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
        case bool():
            return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
        case Failed():
            return f'<c r="{place}" t="e"><f>1/0</f><v>{cell.error}</v></c>'
        case Formatted():
            return f'<c r="{place}" s="{FORMATS.index(cell.format)}"><v>{cell.value!r}</v></c>'
        case int() | float():
            return f'<c r="{place}"><v>{cell!r}</v></c>'
        case _:
            return f'<c r="{place}" s="{STYLES[type(cell)]}"><v>{_serial(cell, days)!r}</v></c>'


def _serial(cell: date | datetime | time | timedelta, days: int) -> float:
    if isinstance(cell, time):
        cell = datetime.combine(EPOCH, cell) - EPOCH
    elif not isinstance(cell, timedelta):
        moment = cell if isinstance(cell, datetime) else datetime.combine(cell, time())
        cell = moment - EPOCH - timedelta(days=days)
    return cell / timedelta(days=1)


def _state(name: str, hidden: Sequence[str]) -> str:
    return ' state="hidden"' if name in hidden else ""


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'


def _override(part: str, kind: str) -> str:
    type_ = f"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml"
    return f'<Override PartName="/xl/{part}.xml" ContentType="{type_}"/>'


def _styles() -> str:
    styles = "".join(f'<xf numFmtId="{format}" applyNumberFormat="1"/>' for format in FORMATS)
    own = '<numFmts count="1"><numFmt numFmtId="164" formatCode="#,##0.00\\ &quot;€&quot;"/></numFmts>'
    return f'{XML}<styleSheet xmlns="{MAIN}">{own}<cellXfs>{styles}</cellXfs></styleSheet>'


def _shared_strings(strings: Mapping[str, int]) -> str:
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
    return f'{XML}<sst xmlns="{MAIN}" count="{len(strings)}" uniqueCount="{len(strings)}">{items}</sst>'


def _ods_row(row: Sequence[Cell]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(cell: Cell) -> str:
    match cell:
        case None:
            return "<table:table-cell/>"
        case bool():
            value = f'office:value-type="boolean" office:boolean-value="{str(cell).lower()}"'
        case str():
            text = f"<text:p>{escape(cell)}</text:p>"
            return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
        case Failed():
            return (
                '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
                f' calcext:value-type="error"><text:p>{cell.error}</text:p></table:table-cell>'
            )
        case Formatted():
            value = f'office:value-type="percentage" office:value="{cell.value!r}"'
        case int() | float():
            value = f'office:value-type="float" office:value="{cell!r}"'
        case time():
            value = f'office:value-type="time" office:time-value="{cell:PT%HH%MM%SS}"'
        case _:
            assert isinstance(cell, date)
            value = f'office:value-type="date" office:date-value="{cell.isoformat()}"'
    return f"<table:table-cell {value}/>"
