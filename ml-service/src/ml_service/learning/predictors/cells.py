"""One cell of a request, as the number or the moment that a model calculates with."""

import math
import re
from datetime import UTC, datetime, timedelta

from ml_service.learning.tables.cells import LARGEST_NUMBER, MISSING, POINT_NUMBER

NUMBER = re.compile(POINT_NUMBER, re.ASCII)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - moments of a model are UTC without saying so
A_DAY = timedelta(days=1)
NO_DATE = (math.nan,) * 5


class Unfit(Exception):
    """Why a cell cannot be used."""


def to_number(cell: object) -> float:
    """A number, also written as text as forms send it; not a number where it is missing."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        if cell.strip() in MISSING:
            return math.nan
        if not NUMBER.search(cell):
            raise Unfit("It must be a number.")
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise Unfit("It must be a number.")
    if not abs(cell) <= LARGEST_NUMBER:
        raise Unfit("It must be a finite number, at most 1e30.")
    return float(cell)


def to_date_parts(cell: object) -> tuple[float, ...]:
    """Year, month, day, weekday and days since 1970, as training makes them."""
    if cell is None or (isinstance(cell, str) and cell in MISSING):
        return NO_DATE
    if not isinstance(cell, str):
        raise Unfit("It must be a date such as 2026-01-31.")
    try:
        moment = datetime.fromisoformat(cell)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise Unfit("It must be a date such as 2026-01-31.") from None
    days = (moment - EPOCH) / timedelta(microseconds=1) / 86_400_000_000
    return (float(moment.year), float(moment.month), float(moment.day), float(moment.weekday()), days)


def to_text(cell: object, truth_values: dict[bool, str]) -> str | None:
    """Text, or None where it is missing; true and false stand for categories of that name."""
    if cell is None:
        return None
    if isinstance(cell, bool) and cell in truth_values:
        return truth_values[cell]
    if not isinstance(cell, str):
        raise Unfit("It must be text.")
    return None if cell in MISSING else cell
