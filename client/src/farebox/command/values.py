"""Values from the command line: `name=value`."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import pydantic_core

from farebox.errors import InvalidArgument
from farebox.tables import Plain


def read_pairs(pairs: Sequence[str]) -> dict[str, Plain]:
    """`n_estimators=50 weights=uniform` as a mapping."""
    return {name: read_value(text) for name, text in _split(pairs)}


def read_cells(pairs: Sequence[str]) -> dict[str, Plain | Decimal]:
    """`mass=3750 island=Dream` as a row, in which fractions keep their digits: they may be categories."""
    values = ((name, text, read_value(text)) for name, text in _split(pairs))
    return {name: Decimal(text) if isinstance(value, float) else value for name, text, value in values}


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


def _split(pairs: Sequence[str]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidArgument(f"'{pair}' should be NAME=VALUE, such as island=Dream.")
        yield name, text
