"""Options of a file's reading, shared by the commands that upload, correct or train on a file."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from farebox.errors import InvalidArgument
from farebox.resources.datasets import ColumnSettings, ReadingSettings

PANEL = "Reading of the file (by default detected)"
TYPES = ("number", "whole", "text", "boolean", "date", "time", "omitted")
# `missing` and `decide` say what becomes of cells that the type does not fit.
EXCEPTIONS = ("missing", "decide")
COLUMN = re.compile(rf"(?P<name>.+)=(?P<type>{'|'.join(TYPES + EXCEPTIONS)})(:(?P<format>.+))?", re.DOTALL)
# An example of a number shows its marks: 1.234,5
NUMBER_FORMAT = re.compile(r"(1(?P<thousands>[,.' _]?)234)(?P<decimal>[.,])5")
COLUMN_HELP = (
    "A column's type: number, whole, text, boolean, date, time or omitted; or missing for cells that its "
    "type does not fit. The format is that of dates (%d.%m.%Y), or an example of numbers (1.234,5)."
)
NAMED_CHARACTERS = {"tab": "\t", "\\t": "\t", "none": ""}


def _option(kind: Any, *names: str, help: str, metavar: str | None = None) -> Any:  # Any: annotations
    return Annotated[kind, typer.Option(*names, help=help, metavar=metavar, rich_help_panel=PANEL)]


OPTIONS: Mapping[str, Any] = {  # Any: as above
    "encoding": _option(str | None, "--encoding", help="Such as utf-8 or cp1252.", metavar="NAME"),
    "delimiter": _option(
        str | None, "--delimiter", help="The character between cells, or tab.", metavar="CHARACTER"
    ),
    "quote": _option(str | None, "--quote", help="The quote around cells, or none.", metavar="CHARACTER"),
    "decimal": _option(str | None, "--decimal", help="The decimal mark of all numbers.", metavar="MARK"),
    "thousands": _option(
        str | None, "--thousands", help="The mark between thousands, or none.", metavar="MARK"
    ),
    "header": _option(bool | None, "--header/--no-header", help="Whether the first row has the names."),
    "skip_top": _option(int | None, "--skip-top", help="The lines above the table.", metavar="LINES"),
    "skip_bottom": _option(int | None, "--skip-bottom", help="The lines below the table.", metavar="LINES"),
    "sheet": _option(str | None, "--sheet", help="The sheet of a workbook.", metavar="NAME"),
    "missing": _option(
        list[str] | None, "--missing", help="A word for a missing cell; repeatable.", metavar="WORD"
    ),
    "trim": _option(bool | None, "--trim/--no-trim", help="Whether blanks around texts are removed."),
    "column": _option(
        list[str] | None,
        "--column",
        "--kinds",
        help=f"{COLUMN_HELP} Repeatable.",
        metavar="NAME=TYPE[:FORMAT]",
    ),
}


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator: the command has an option for each setting, and gets those that are set as `reading`."""

    @functools.wraps(command)
    def run(*args: Any, **values: Any) -> None:  # Any: the command's own parameters
        options = {name: values.pop(name) for name in OPTIONS}
        command(*args, **values, reading=read_settings(options))

    own = [each for each in inspect.signature(command).parameters.values() if each.name != "reading"]
    # Shown before --json and --url, which every command has.
    last = next(place for place, each in enumerate(own) if each.name == "as_json")
    added = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=annotation)
        for name, annotation in OPTIONS.items()
    ]
    run.__dict__["__signature__"] = inspect.Signature([*own[:last], *added, *own[last:]])
    return run


def read_settings(options: Mapping[str, Any]) -> ReadingSettings:  # Any: values of several types
    """The settings that the options set."""
    settings = {name: value for name, value in options.items() if value not in (None, [])}
    for name in ("delimiter", "quote", "thousands"):
        if name in settings:
            settings[name] = NAMED_CHARACTERS.get(settings[name], settings[name])
    if "column" in settings:
        settings["columns"] = read_columns(settings.pop("column"))
    return ReadingSettings(**settings)


def read_columns(pairs: Sequence[str]) -> dict[str, ColumnSettings]:
    """`zip=text day=date:%d.%m.%Y titer=missing` as settings by column; two about one column are joined."""
    columns: dict[str, ColumnSettings] = {}
    for pair in pairs:
        match = COLUMN.fullmatch(pair)
        if match is None:
            raise InvalidArgument(
                f"'{pair}' should be COLUMN=TYPE or COLUMN=TYPE:FORMAT, with a type of {', '.join(TYPES)}; "
                "or COLUMN=missing for cells that the type does not fit."
            )
        columns.setdefault(match["name"], {}).update(_read_column(pair, match["type"], match["format"]))
    return columns


def _read_column(pair: str, type_: str, format_: str | None) -> ColumnSettings:
    settings: dict[str, str] = {"exceptions": type_} if type_ in EXCEPTIONS else {"type": type_}
    if format_ is not None:
        settings |= _read_format(pair, type_, format_)
    return ColumnSettings(**settings)  # pyright: ignore[reportArgumentType] - the pattern checks the values


def _read_format(pair: str, type_: str, format_: str) -> Mapping[str, str]:
    if type_ == "date":
        return {"format": format_}
    match = NUMBER_FORMAT.fullmatch(format_) if type_ in {"number", "whole"} else None
    if match is None:
        raise InvalidArgument(
            f"'{pair}' has a format that its type does not have: dates take one such as date:%d.%m.%Y, "
            "numbers an example such as number:1.234,5."
        )
    return {"decimal": match["decimal"], "thousands": match["thousands"]}
