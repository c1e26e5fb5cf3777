"""Fields for the settings of a reading: those of a file, and those of one column."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.layout import side_by_side
from farebox.resources.datasets import ColumnSettings, ReadingSettings
from farebox.results.datasets import ColumnReading, Reading

Options = Mapping[Any, str]  # Any: texts, or true and false
DETECTED = "detected"
MOST_LINES = 1000
TYPES = {
    "number": "Number",
    "whole": "Whole number",
    "text": "Text",
    "boolean": "True or false",
    "date": "Date",
    "time": "Time of day",
    "omitted": "Left out",
}
ENCODINGS = (
    *("utf-8", "utf-16", "utf-32", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp1257", "cp1258", "cp874", "cp437", "cp850", "cp852", "cp866", "mac-roman", "koi8-r", "iso-8859-1"),
    *("iso-8859-2", "iso-8859-15", "cp932", "gb18030", "big5", "cp949", "euc-jp"),
)
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar", " ": "Blank"}
QUOTES = {'"': 'Double (")', "'": "Single (')", "": "None"}
DECIMALS = {".": "Point (1.5)", ",": "Comma (1,5)"}
THOUSANDS = {
    "": "None (1234)",
    ",": "Comma (1,234)",
    ".": "Point (1.234)",
    "'": "Apostrophe (1'234)",
    " ": "Blank (1 234)",
    "_": "Underscore (1_234)",
}
DATE_FORMATS = {
    "iso": "2025-12-31 (ISO)",
    "%d.%m.%Y": "31.12.2025",
    "%d/%m/%Y": "31/12/2025",
    "%m/%d/%Y": "12/31/2025",
    "%Y/%m/%d": "2025/12/31",
    "%d %b %Y": "31 Dec 2025",
    "%b %d, %Y": "Dec 31, 2025",
}
MISSING_WORDS = {word: word for word in ("NA", "N/A", "NULL", "None", "?", "-", "unknown")}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting and its kind of field; values beside the options may be typed if it `is_open`.

    The placeholder says what holds while the setting has no value.
    """

    name: str
    label: str
    kind: Literal["choice", "words", "lines", "text"] = "choice"
    options: Options = field(default_factory=dict[Any, str])  # Any: as above
    is_open: bool = False
    help: str | None = None
    placeholder: str = DETECTED


DECIMAL = Setting("decimal", "Decimal mark", options=DECIMALS)
THOUSAND = Setting("thousands", "Thousands mark", options=THOUSANDS)
TRIM = Setting("trim", "Blanks around texts", options={True: "Removed", False: "Kept"}, placeholder="removed")
MISSING = Setting(
    "missing",
    "Words for missing",
    "words",
    MISSING_WORDS,
    help="Beside empty cells; by default the usual ones.",
    placeholder="the usual words",
)
ROWS = (
    Setting("header", "Names of columns", options={True: "In the first row", False: "None"}),
    Setting("skip_top", "Lines above the table", "lines"),
    Setting("skip_bottom", "Lines below the table", "lines"),
)
CSV = (
    Setting("encoding", "Encoding", options={name: name for name in ENCODINGS}),
    Setting("delimiter", "Delimiter", options=DELIMITERS, is_open=True),
    Setting("quote", "Quote around cells", options=QUOTES),
    *ROWS,
    DECIMAL,
    THOUSAND,
)
SHEET = Setting("sheet", "Sheet", "text")
FILE_SETTINGS: Mapping[str | None, Sequence[Setting]] = {
    "csv": CSV,
    "workbook": (SHEET, *ROWS),
    None: (*CSV, replace(SHEET, label="Sheet of a workbook")),
}
UNIT = Setting("unit", "Unit to drop", "text", help="A currency or % at each number.")
FORMAT = Setting("format", "Date format", options=DATE_FORMATS, is_open=True, help="A format of strptime.")
OTHERS = Setting(
    "exceptions",
    "Cells of another type",
    options={"decide": "Not accepted", "missing": "Read as missing"},
    placeholder="not accepted",
)
COLUMN_SETTINGS: Mapping[str | None, Sequence[Setting]] = {
    "number": (DECIMAL, THOUSAND, UNIT, OTHERS, MISSING),
    "whole": (DECIMAL, THOUSAND, UNIT, OTHERS, MISSING),
    "date": (FORMAT, OTHERS, MISSING),
    "time": (OTHERS, MISSING),
    "text": (TRIM, MISSING),
    "boolean": (OTHERS, MISSING),
}


def file_fields(
    reading: Reading, format: str | None, key: str, sheets: Sequence[str] = ()
) -> ReadingSettings:
    """Fields for the settings of a file, filled with those of its reading; returns the changed ones.

    Without a format, they are those of all formats. `sheets` are those of a workbook.
    """
    settings = [*FILE_SETTINGS.get(format, ()), TRIM, MISSING]
    if sheets:
        names = {name: name for name in sheets}
        settings = [
            replace(each, kind="choice", options=names) if each == SHEET else each for each in settings
        ]
    current = {setting.name: getattr(reading, setting.name) for setting in settings}
    return ReadingSettings(**_draw_all(settings, current, {}, key))  # pyright: ignore[reportArgumentType]


def column_fields(
    reading: ColumnReading, chosen: ColumnSettings, place: DeltaGenerator, key: str
) -> ColumnSettings:
    """Fields for the settings of a column; that of its type is at this place.

    `chosen` has changes that are not applied yet; returns all changes. Another type begins with detected
    settings.
    """
    type_ = chosen.get("type", reading.type)
    types: list[str | None] = [None, *TYPES] if reading.type is None else [*TYPES]
    type_ = place.selectbox("Type", types, types.index(type_), _type_title, key=f"{key}-type")
    is_other = type_ != reading.type
    settings = COLUMN_SETTINGS.get(type_, ())
    current = {each.name: None if is_other else getattr(reading, each.name) for each in settings}
    kept = chosen if chosen.get("type", reading.type) == type_ else {}
    changed = _draw_all(settings, current, kept, f"{key}-{type_}")
    if is_other:
        changed["type"] = type_
    return ColumnSettings(**changed)  # pyright: ignore[reportArgumentType] - the options are the values


def _type_title(type_: str | None) -> str:
    return "Detected" if type_ is None else TYPES[type_]


Values = Mapping[str, Any]  # Any: values of settings are of several types


def _draw_all(settings: Iterable[Setting], current: Values, chosen: Values, key: str) -> dict[str, Any]:
    """Fields in rows; the values that differ from the current ones."""
    changed: dict[str, Any] = {}
    for column, setting in side_by_side(list(settings)):
        name = setting.name
        with column:
            value = _draw(setting, chosen.get(name, current[name]), f"{key}-{name}")
        if value is not None and value != current[name]:
            changed[name] = value
    return changed


def _draw(setting: Setting, value: Any, key: str) -> Any:  # Any: as above
    match setting.kind:
        case "choice":
            return _choice(setting, value, key)
        case "words":
            words = list(dict.fromkeys([*setting.options, *(value or ())]))
            picked = st.multiselect(
                setting.label,
                words,
                value,
                accept_new_options=True,
                placeholder=setting.placeholder,
                help=setting.help,
                key=key,
            )
            return picked if picked or value else None
        case "lines":
            return st.number_input(
                setting.label,
                0,
                MOST_LINES,
                value,
                placeholder=setting.placeholder,
                help=setting.help,
                key=key,
            )
        case "text":
            text = st.text_input(
                setting.label, value, placeholder=setting.placeholder, help=setting.help, key=key
            )
            return text or None


def _choice(setting: Setting, value: Any, key: str) -> Any:  # Any: as above
    options = list(setting.options)
    if value is not None and value not in options:
        options.insert(0, value)
    return st.selectbox(
        setting.label,
        options,
        None if value is None else options.index(value),
        lambda option: setting.options.get(option, str(option)),
        placeholder=setting.placeholder,
        accept_new_options=setting.is_open,
        help=setting.help,
        key=key,
    )
