"""Reading of a dataset: decisions about columns, and a panel that corrects it with a preview."""

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import escape
from dashboard.layout import show_findings, show_table
from dashboard.widgets.reading_fields import TYPES, column_fields, file_fields
from farebox import Farebox
from farebox.resources.datasets import ColumnSettings, ReadingSettings
from farebox.results.datasets import ColumnReading, InspectedColumn, InspectedDataset, Preview

MOST_DECISIONS = 10
NEEDS_DECISION = "needs_decision"
WAYS_OUT: dict[str, ColumnSettings] = {
    "Read as missing": {"exceptions": "missing"},
    "Read as text": {"type": "text"},
    "Leave out": {"type": "omitted"},
}
# The number of corrections in this session; the fields of the next one begin anew.
ROUND, DRY_RUN = "reading_round", "reading_dry_run"


def undecided(dataset: InspectedDataset) -> list[str]:
    return [column.name for column in dataset.columns if column.needs_decision]


def show_decisions(client: Farebox, dataset: InspectedDataset) -> None:
    """The columns that cannot be trained on yet, with a button for each way out."""
    names = undecided(dataset)
    reasons = {each.column: each.detail for each in dataset.findings if each.code == NEEDS_DECISION}
    for name in names[:MOST_DECISIONS]:
        with st.container(border=True):
            st.markdown(f":material/help: **{escape(name)}** needs a decision before training")
            st.write(escape(reasons.get(name, "")))
            with st.container(horizontal=True):
                for title, settings in WAYS_OUT.items():
                    if st.button(title, key=f"decide-{dataset.id}-{name}-{title}"):
                        _apply(client, dataset, {"columns": {name: settings}})
    if len(names) > MOST_DECISIONS:
        st.caption(f"{len(names) - MOST_DECISIONS:,} more columns need a decision.")


def type_title(column: InspectedColumn) -> str:
    if column.needs_decision:
        return "Needs a decision"
    return TYPES.get(column.type or column.kind, column.kind.capitalize())


def show_first_rows(preview: Preview, rows: int) -> None:
    # Also keeps the toolbar of the table, which floats above it, off the tabs.
    st.caption(f"The first {len(preview.rows):,} of {rows:,} rows")
    frame = pd.DataFrame(preview.rows, columns=preview.columns)
    st.dataframe(frame, hide_index=True, placeholder="")


@st.fragment
def reading_panel(client: Farebox, dataset: InspectedDataset) -> None:
    """The settings of the file and of its columns; changes are shown before they are applied."""
    with report_errors():
        changed = _settings_fields(dataset)
        if not changed:
            st.caption("Change a setting to see the table as it would be read.")
            _show_columns(dataset)
            return
        _show_changes(client, dataset, changed)


def _settings_fields(dataset: InspectedDataset) -> ReadingSettings:
    """Fields of all settings; returns the changed ones."""
    key = f"reading-{dataset.id}-{st.session_state.get(ROUND, 0)}"
    with st.expander("Settings of the file", icon=":material/description:"):
        changed = file_fields(dataset.reading, dataset.format, key, dataset.sheets)
    chosen: dict[str, ColumnSettings] = st.session_state.setdefault(f"{key}-columns", {})
    names = _names(dataset)
    left, right = st.columns(2)
    name = left.selectbox("Column to correct", names, key=f"{key}-column")
    reading = dataset.reading.columns.get(name, ColumnReading())
    settings = column_fields(reading, chosen.get(name, {}), right, f"{key}-column-{name}")
    if settings:
        chosen[name] = settings
    else:
        chosen.pop(name, None)
    if chosen:
        changed["columns"] = dict(chosen)
    return changed


def _show_changes(client: Farebox, dataset: InspectedDataset, changed: ReadingSettings) -> None:
    st.subheader("Preview", anchor=False)
    corrected = _try(client, dataset, changed)
    with st.container(horizontal=True):
        if st.button("Apply", type="primary", disabled=corrected is None):
            _apply(client, dataset, changed)
        st.button("Discard changes", on_click=_begin_anew)
    if corrected is None:
        return
    if corrected.preview is not None:
        show_first_rows(corrected.preview, corrected.rows)
    _show_columns(corrected)
    show_findings(finding for finding in corrected.findings if finding not in dataset.findings)


def _try(client: Farebox, dataset: InspectedDataset, changed: ReadingSettings) -> InspectedDataset | None:
    """The dataset as it would be read, once for the same changes; None after an error, which is shown."""
    key = json.dumps([dataset.id, st.session_state.get(ROUND, 0), changed], sort_keys=True)
    tried: tuple[str, InspectedDataset] | None = st.session_state.get(DRY_RUN)
    if tried is not None and tried[0] == key:
        return tried[1]
    with spinner("Reading the table"):
        corrected = client.datasets.correct(dataset.id, reading=changed, dry_run=True)
        st.session_state[DRY_RUN] = (key, corrected)
        return corrected
    return None


def _apply(client: Farebox, dataset: InspectedDataset, settings: ReadingSettings) -> None:
    with spinner("Reading the table again"):
        client.datasets.correct(dataset.id, reading=settings)
        _begin_anew()
        st.rerun()


def _begin_anew() -> None:
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _names(dataset: InspectedDataset) -> Sequence[str]:
    """The columns in the order of the file, then those that are left out."""
    read = [column.name for column in dataset.columns]
    return [*read, *sorted(dataset.reading.columns.keys() - set(read))]


def _show_columns(dataset: InspectedDataset) -> None:
    columns = {column.name: column for column in dataset.columns}
    rows = [
        (
            name,
            type_title(columns[name]) if name in columns else TYPES["omitted"],
            _notes(dataset.reading.columns.get(name, ColumnReading())),
            columns[name].missing if name in columns else None,
            "You" if name in dataset.corrections.columns else "Detected",
        )
        for name in _names(dataset)
    ]
    show_table(rows, ["Column", "Type", "Format", "Missing", "Set by"])


def _notes(reading: ColumnReading) -> str:
    """The format of the cells, where it is not the usual one."""
    notes = [
        reading.format if reading.format not in (None, "iso") else "",
        "decimal comma" if reading.decimal == "," else "",
        f"thousands {reading.thousands}" if reading.thousands else "",
        f"unit {reading.unit}" if reading.unit else "",
        "other cells missing" if reading.exceptions == "missing" else "",
        f"missing: {', '.join(reading.missing)}" if reading.missing else "",
        "blanks kept" if reading.trim is False else "",
    ]
    return ", ".join(note for note in notes if note)
