"""Formats of numbers, tokens, times and user-supplied text."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

NOT_MEASURED = "–"
# As few characters as possible: screen readers read the escapes in a label aloud.
MARKDOWN_SIGNS = re.compile(r"([\\`*\[\]<>#|~:$&!]|(?<![^\W_])_|_(?![^\W_])|^[-+=])")
LIST_NUMBER = re.compile(r"^(\d+)([.)])")
# Streamlit renders links here even where every sign is escaped; a zero-width joiner prevents them.
LINK_START = re.compile(r"(@|:(?=//)|www(?=\.))", re.IGNORECASE)


def tokens(count: int) -> str:
    return f"{count:,} token" if abs(count) == 1 else f"{count:,} tokens"


def number(value: float | None) -> str:
    """Four significant digits with thousands separators."""
    if value is None:
        return NOT_MEASURED
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def percent(share: float | None, decimals: int = 1) -> str:
    return NOT_MEASURED if share is None else f"{share * 100:.{decimals}f}%"


def score(value: float | None) -> str:
    """Three decimals, for metrics on a fixed scale such as R²."""
    if value is None:
        return NOT_MEASURED
    rounded = round(value, 3) or 0.0  # never "-0.000"
    return f"{rounded:,.3f}"


def title_case(identifier: str) -> str:
    """An identifier such as `opening_grant` as words: "Opening grant"."""
    return identifier.replace("_", " ").capitalize()


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def local_time(moment: datetime) -> datetime:
    """The time in the browser's time zone, without the zone, which tables would show."""
    return moment.astimezone(_time_zone()).replace(tzinfo=None, microsecond=0)


def short_time(moment: datetime) -> str:
    return f"{local_time(moment):%d %b %H:%M}"


def long_time(moment: datetime) -> str:
    return f"{local_time(moment):%d %b %Y %H:%M}"


def utc_now() -> datetime:
    return datetime.now(UTC)


def escape(text: object) -> str:
    """Escape for Markdown: user-supplied text on one line, without formatting, HTML or links."""
    one_line = " ".join(str(text).split())
    escaped = MARKDOWN_SIGNS.sub(r"\\\1", LINK_START.sub("\\1\u2060", one_line))
    return LIST_NUMBER.sub(r"\1\\\2", escaped)


def code(text: str) -> str:
    """Markdown code: without the hidden characters of escaped text, so that a name can be copied."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence} {' '.join(text.split())} {fence}"


def _time_zone() -> ZoneInfo:
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
