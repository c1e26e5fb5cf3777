"""Results on standard output, as tables or JSON; everything else on standard error."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from farebox.errors import FareboxError

WIDE = 1000


def say(sentence: str) -> None:
    """A word to the person at the terminal, out of the way of the results."""
    _console(stderr=True).print(Text(clean(sentence)), soft_wrap=True)


def tell_error(error: FareboxError, *, as_json: bool) -> None:
    if as_json:
        told = {
            "code": error.code,
            "detail": error.detail,
            "status": error.status,
            "request_id": error.request_id,
        }
        typer.echo(json.dumps({"error": told}), err=True)
        return
    say(f"farebox: {error.detail}")


def show_json(result: object) -> None:
    typer.echo(json.dumps(_plain(result), indent=2, ensure_ascii=False, default=str))


def show_rows(items: Iterable[BaseModel], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """A list: `columns` maps each heading to the field it shows; one without a value is left out."""
    rows = list(items)
    if as_json:
        show_json(rows)
    elif rows:
        told = {name: [getattr(row, field) for row in rows] for name, field in columns.items()}
        used = {name: cells for name, cells in told.items() if any(each is not None for each in cells)}
        show_table(list(used), list(zip(*used.values(), strict=True)))
    else:
        say(empty)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    body = [list(row) for row in rows]
    for number, heading in enumerate(headings):
        is_number = all(isinstance(row[number], int | float | None) for row in body)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(_cell(each)) for each in row))
    _console().print(table)


def show_facts(facts: Mapping[str, object]) -> None:
    """One thing, a fact a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(name, Text(_cell(fact)))
    _console().print(table)


def clean(text: str) -> str:
    """Without control characters, which could otherwise steer the terminal."""
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _cell(fact: object) -> str:
    match fact:
        case None:
            return "-"
        case bool():
            return "yes" if fact else "no"
        case float():
            return f"{fact:.4g}"
        case datetime():
            return fact.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case list() | tuple():
            return ", ".join(clean(str(each)) for each in fact)
        case _:
            return clean(str(fact))


def _plain(result: object) -> object:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(each) for each in result]
    return result


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False)
    # What goes to a file or to another program is not broken at the width of a screen.
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)
