"""Which table to work with: one that is there, or one uploaded now."""

import streamlit as st

from dashboard.wording.figures import local
from dashboard.wording.sentences import doing
from farebox import Farebox
from farebox.results.datasets import Dataset, InspectedDataset

CHOSEN = "chosen_dataset"
ENDINGS = ["csv", "gz", "txt", "tsv", "parquet"]


def choose_dataset(client: Farebox) -> InspectedDataset | None:
    datasets = list(client.datasets.list())
    with st.expander("Upload a table", expanded=not datasets, icon=":material/upload:"):
        _upload(client)
    if not datasets:
        st.caption("Nothing is uploaded yet; a CSV file with a header line is all it takes.")
        return None
    by_id = {each.id: each for each in datasets}
    if st.session_state.get(CHOSEN) not in by_id:
        st.session_state[CHOSEN] = datasets[0].id
    chosen = st.selectbox("Dataset", list(by_id), format_func=lambda each: _label(by_id[each]), key=CHOSEN)
    return client.datasets.get(chosen)


def _upload(client: Farebox) -> None:
    with st.form("upload", clear_on_submit=True, border=False):
        file = st.file_uploader("CSV or Parquet file", type=ENDINGS)
        asked = st.form_submit_button("Upload")
    if asked and file is None:
        st.warning("Choose a file first.")
    elif asked and file is not None:
        with doing("Uploading and reading the table"):
            dataset = client.datasets.upload(file.getvalue(), name=file.name)
            st.session_state[CHOSEN] = dataset.id
            st.rerun()


def _label(dataset: Dataset) -> str:
    return f"{dataset.name} ({dataset.rows:,} rows, {local(dataset.created_at):%d %b %H:%M})"
