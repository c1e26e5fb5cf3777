"""Numbers and times as people read them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def tokens(count: int) -> str:
    return f"{count:,} token" if abs(count) == 1 else f"{count:,} tokens"


def figure(number: float | None) -> str:
    """Four digits that matter, and a dash for what could not be measured."""
    if number is None:
        return "–"
    return f"{number:,.4g}" if abs(number) < 10_000 else f"{number:,.0f}"


def words(name: str) -> str:
    """A name out of a program, such as `opening_grant`, as people would write it."""
    return name.replace("_", " ").capitalize()


def local(moment: datetime) -> datetime:
    """In the browser's time zone, and no longer saying so, as tables would show it."""
    return moment.astimezone(_zone()).replace(tzinfo=None, microsecond=0)


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def today() -> datetime:
    return datetime.now(UTC)
