"""Layout shared by pages: columns, tables, findings, links, downloads, and messages that survive a rerun."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard.formatting import escape
from farebox.results.datasets import Finding
from farebox.results.predictions import TABLES

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
MAX_COLUMNS = 3
DATE_FORMAT = "DD MMM YYYY HH:mm"
PAGES, MESSAGES = "pages", "messages"
TABLE_EXTENSIONS = [*(suffix.removeprefix(".") for suffix in TABLES), "gz"]
BOXES = {"info": st.info, "warning": st.warning, "serious": st.error}


def side_by_side(items: Sequence[T]) -> Iterator[tuple[DeltaGenerator, T]]:
    """Pairs of column and item, in rows of MAX_COLUMNS; on a phone the columns are stacked in order."""
    for start in range(0, len(items), MAX_COLUMNS):
        columns = st.columns(min(MAX_COLUMNS, len(items)))
        yield from zip(columns, items[start : start + MAX_COLUMNS], strict=False)


def show_table(
    rows: Iterable[Sequence[object]],
    columns: Sequence[str],
    *,
    identifiers: Collection[str] = (),
    hide_empty: bool = False,
) -> None:
    """A table in the formats of all pages; numbers in `identifiers` columns have no separators."""
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(columns))
    if hide_empty:
        frame = frame.dropna(axis="columns", how="all")
    formats = {name: _column_format(frame[name], name in identifiers) for name in frame.columns}
    column_config = {name: config for name, config in formats.items() if config is not None}
    st.dataframe(frame, hide_index=True, placeholder="", column_config=column_config)


def _column_format(values: "pd.Series[str]", is_identifier: bool) -> ColumnConfig | None:
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return None
    if pd.api.types.is_numeric_dtype(values):
        return st.column_config.NumberColumn(format="%d" if is_identifier else "localized")
    if pd.api.types.is_datetime64_any_dtype(values):
        return st.column_config.DatetimeColumn(format=DATE_FORMAT)
    return None


def show_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        column = f"**{escape(finding.column)}**: " if finding.column else ""
        BOXES[finding.severity](f"{column}{escape(finding.detail)} {escape(finding.advice)}")


def set_pages(pages: Mapping[str, st.Page]) -> None:
    st.session_state[PAGES] = pages


def page_link(path: str, label: str) -> None:
    st.page_link(st.session_state[PAGES][path], label=label, icon=":material/arrow_forward:")


def finish(slot: str, message: str) -> NoReturn:
    """Rerun the page; `show_message(slot)` then shows the message once."""
    st.session_state.setdefault(MESSAGES, {})[slot] = message
    st.rerun()


def show_message(slot: str) -> None:
    message: str | None = st.session_state.get(MESSAGES, {}).pop(slot, None)
    if message is not None:
        st.success(message)


def download_button(
    label: str,
    content: str | bytes | Callable[[], str | bytes],
    filename: str,
    *,
    primary: bool = False,
    help_text: str | None = None,
) -> None:
    """Download without a rerun, which would reset the page; a callable runs only on a click."""
    st.download_button(
        label,
        content,
        filename,
        on_click="ignore",
        icon=":material/download:",
        type="primary" if primary else "secondary",
        help=help_text,
    )
