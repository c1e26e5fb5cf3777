"""Datasets: tables, uploaded once and trained on often."""

import builtins
from collections.abc import Mapping

from farebox.calls import Call, Page, Response, idempotency_header, json_as, list_call, no_content
from farebox.operations import Resource, S, listing, operation
from farebox.results.datasets import Dataset, Finding, Findings, InspectedDataset, Preview
from farebox.tables import Source, upload_of


class Datasets(Resource[S]):
    """The account's datasets."""

    @operation
    def upload(self, source: Source, *, name: str | None = None) -> Call[InspectedDataset]:
        """Upload a CSV or Parquet file (by path), bytes or a DataFrame. A duplicate is stored once."""
        return upload_call(source, name)

    @listing
    def list(self) -> Call[Page[Dataset]]:
        """The datasets, newest first."""
        return list_call("/v1/datasets", Dataset)

    @operation
    def get(self, dataset_id: int) -> Call[InspectedDataset]:
        """A dataset with its columns, findings about them, and a suggested label."""
        return Call("GET", f"/v1/datasets/{dataset_id}", json_as(InspectedDataset))

    @operation
    def correct(self, dataset_id: int, kinds: Mapping[str, str]) -> Call[InspectedDataset]:
        """Correct the kinds of columns (number, text or date), such as `{"zip_code": "text"}`."""
        return Call(
            "PATCH",
            f"/v1/datasets/{dataset_id}",
            json_as(InspectedDataset),
            json={"kinds": dict(kinds)},
        )

    @operation
    def findings(self, dataset_id: int, label: str) -> "Call[builtins.list[Finding]]":
        """Findings that depend on the label: uneven classes and suspected leakage."""
        return Call(
            "GET",
            f"/v1/datasets/{dataset_id}/findings",
            _read_findings,
            params={"label": label},
        )

    @operation
    def preview(self, dataset_id: int) -> Call[Preview]:
        """A dataset's first rows."""
        return Call("GET", f"/v1/datasets/{dataset_id}/preview", json_as(Preview))

    @operation
    def delete(self, dataset_id: int) -> Call[None]:
        """Delete a dataset; models trained on it stay."""
        return Call("DELETE", f"/v1/datasets/{dataset_id}", no_content)


def upload_call(source: Source, name: str | None = None) -> Call[InspectedDataset]:
    return Call(
        "POST",
        "/v1/datasets",
        json_as(InspectedDataset),
        files={"file": upload_of(source, name)},
        headers=idempotency_header(),
    )


def _read_findings(response: Response) -> list[Finding]:
    return json_as(Findings)(response).findings
