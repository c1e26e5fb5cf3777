"""Results on standard output, as tables or JSON; everything else on standard error."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from farebox.results.base import Charge

WIDE = 1000


def message(text: str) -> None:
    """Print a message to standard error, apart from the results."""
    _console(stderr=True).print(Text(clean(text)), soft_wrap=True)


def show_json(result: object) -> None:
    typer.echo(json.dumps(_plain(result), indent=2, ensure_ascii=False, default=str))


def show_outcome(result: object, text: str, *, as_json: bool) -> None:
    """Show the result of a change: JSON, or a message."""
    if as_json:
        show_json(result)
    else:
        message(text)


def show_rows(items: Iterable[BaseModel], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Show a list. `columns` maps headings to fields; a column without values is left out."""
    rows = list(items)
    if as_json:
        show_json(rows)
    elif rows:
        cells = {heading: [_field(row, name) for row in rows] for heading, name in columns.items()}
        filled = {name: column for name, column in cells.items() if any(cell is not None for cell in column)}
        show_table(list(filled), list(zip(*filled.values(), strict=True)))
    else:
        message(empty)


def show_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    body = [list(row) for row in rows]
    for index, heading in enumerate(headings):
        is_number = all(isinstance(row[index], int | float | None) for row in body)
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(_cell(value)) for value in row))
    _console().print(table)


def show_facts(facts: Mapping[str, object]) -> None:
    """Show one object, one field a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        table.add_row(name, Text(_cell(fact)))
    _console().print(table)


def show_charge(charge: Charge | None) -> None:
    if charge is not None:
        message(f"Charged {tokens(charge.tokens)}; {charge.balance:,} are available.")


def tokens(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"


def number(value: float) -> str:
    """Four significant digits, thousands separated, without an exponent: 307,534 and 0.8068."""
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 0.0001 else "0"


def clean(text: str) -> str:
    """Replace control characters, which could steer the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def _field(row: BaseModel, name: str) -> object:
    """A field's value; an id is shown as text, since it is not a quantity."""
    value = getattr(row, name)
    return str(value) if name == "id" or (name.endswith("_id") and value is not None) else value


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case datetime():
            return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        case list() | tuple():
            return ", ".join(clean(str(item)) for item in value)
        case _:
            return clean(str(value))


def _plain(result: object) -> object:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json")
    if isinstance(result, list):
        return [_plain(item) for item in result]
    return result


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False)
    # Lines are not wrapped in a file or a pipe.
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=WIDE)
