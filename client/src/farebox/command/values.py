"""Values from the command line and from CSV rows: `name=value`."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pydantic_core

from farebox.errors import InvalidArgument
from farebox.tables import Plain


def read_pairs(pairs: Sequence[str]) -> dict[str, Plain]:
    """`n_estimators=50 weights=uniform` as a mapping."""
    values: dict[str, Plain] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidArgument(f"'{pair}' should be NAME=VALUE, such as island=Dream.")
        values[name] = read_value(text)
    return values


def read_value(text: str) -> Plain:
    """A number or a boolean if the text is one, None for an empty text or `null`, else the text.

    Double quotes force text: `code="007"`.
    """
    if not text:
        return None
    try:
        value = pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError:
        return text
    return value if isinstance(value, str | int | float | bool | None) else text


def read_rows(path: Path) -> list[Mapping[str, Plain]]:
    """The rows of a CSV file with a header line."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [_row(path, line, row) for line, row in enumerate(csv.DictReader(file), start=2)]
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}.") from None
    except (UnicodeDecodeError, csv.Error):
        raise InvalidArgument(f"{path} is not a CSV file in UTF-8.") from None


def _row(path: Path, line: int, row: dict[str | None, str | list[str] | None]) -> dict[str, Plain]:
    if None in row or None in row.values():
        raise InvalidArgument(f"{path}, line {line}: the number of fields differs from the header's.")
    return {str(name): read_value(str(text)) for name, text in row.items()}
