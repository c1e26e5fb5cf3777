"""Tables, uploaded once and trained on often."""

import builtins
from collections.abc import Mapping

from farebox.calls import Answer, Call, keyed, nothing, one
from farebox.operations import Group, S, listing, operation
from farebox.resources.pages import every_page, list_of
from farebox.results.datasets import Dataset, Finding, Findings, InspectedDataset, Preview
from farebox.steps import Emits
from farebox.tables import Source, upload_of

UPLOAD_SECONDS = 600.0
READ_SECONDS = 60.0


class Datasets(Group[S]):
    """The account's datasets."""

    @operation
    def upload(self, source: Source, *, name: str | None = None) -> Call[InspectedDataset]:
        """Upload a CSV or Parquet file (by its path), its bytes or a DataFrame. The same one is kept once."""
        return upload_call(source, name)

    @listing
    def list(self) -> Emits[Dataset]:
        """The datasets, newest first."""
        return every_page(self.exchange, list_of("/v1/datasets", Dataset))

    @operation
    def get(self, dataset_id: int) -> Call[InspectedDataset]:
        """A dataset with its columns, what is remarkable about them, and a suggestion of what to train."""
        return Call("GET", f"/v1/datasets/{dataset_id}", one(InspectedDataset), seconds=READ_SECONDS)

    @operation
    def correct(self, dataset_id: int, kinds: Mapping[str, str]) -> Call[InspectedDataset]:
        """Say what columns are where they look otherwise: `{"zip_code": "text"}`; number, text or date."""
        return Call(
            "PATCH",
            f"/v1/datasets/{dataset_id}",
            one(InspectedDataset),
            json={"kinds": dict(kinds)},
            seconds=UPLOAD_SECONDS,
        )

    @operation
    def findings(self, dataset_id: int, label: str) -> "Call[builtins.list[Finding]]":
        """What is remarkable once it is known what to predict: uneven classes and suspected leakage."""
        return Call(
            "GET",
            f"/v1/datasets/{dataset_id}/findings",
            _read_findings,
            params={"label": label},
            seconds=READ_SECONDS,
        )

    @operation
    def preview(self, dataset_id: int) -> Call[Preview]:
        """A dataset's first rows."""
        return Call("GET", f"/v1/datasets/{dataset_id}/preview", one(Preview))

    @operation
    def delete(self, dataset_id: int) -> Call[None]:
        """Delete a dataset; models trained on it stay."""
        return Call("DELETE", f"/v1/datasets/{dataset_id}", nothing)


def _read_findings(answer: Answer) -> list[Finding]:
    return one(Findings)(answer).findings


def upload_call(source: Source, name: str | None = None) -> Call[InspectedDataset]:
    return Call(
        "POST",
        "/v1/datasets",
        one(InspectedDataset),
        files={"file": upload_of(source, name)},
        headers=keyed(),
        seconds=UPLOAD_SECONDS,
    )
