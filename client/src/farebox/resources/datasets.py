"""Datasets: tables, uploaded once and trained on often."""

import builtins
import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from farebox.calls import Call, Page, Response, idempotency_header, json_as, list_call, no_content
from farebox.operations import Resource, S, listing, operation
from farebox.results.datasets import Dataset, Finding, Findings, InspectedDataset, Preview
from farebox.tables import Source, upload_of

ColumnType = Literal["number", "whole", "text", "boolean", "date", "time", "omitted"]


class ColumnSettings(TypedDict, total=False):
    """Settings by which a column's cells are read; a missing one is detected, or remains as it is."""

    type: ColumnType
    """The type of the cells; a column that is `omitted` is left out."""
    format: str
    """Dates: `iso`, or a format of strptime such as `%d.%m.%Y`."""
    decimal: Literal[".", ","]
    """Numbers: the decimal mark."""
    thousands: str
    """Numbers: the mark between thousands; an empty one for none."""
    unit: str
    """Numbers: the currency, or %, at each cell."""
    missing: Sequence[str]
    """The words for a missing cell, beside an empty one."""
    trim: bool
    """Whether blanks around texts are removed."""
    exceptions: Literal["decide", "missing"]
    """`missing` for cells that the type does not fit; otherwise somebody has to decide about them."""


class ReadingSettings(TypedDict, total=False):
    """Settings by which a file is read; a missing one is detected, or remains as it is."""

    encoding: str
    """The encoding, such as `utf-8` or `cp1252`."""
    delimiter: str
    """The character between cells."""
    quote: str
    """The quote around cells; an empty one for none."""
    decimal: Literal[".", ","]
    """The decimal mark of all numbers."""
    thousands: str
    """The mark between thousands of all numbers; an empty one for none."""
    header: bool
    """Whether the first row has the names of the columns; without, they are column_1, column_2 and so on."""
    skip_top: int
    """The number of lines, or rows of a sheet, above the table."""
    skip_bottom: int
    """The number of lines, or rows of a sheet, below the table."""
    sheet: str
    """The sheet of a workbook."""
    missing: Sequence[str]
    """The words for a missing cell in all columns, beside an empty one."""
    trim: bool
    """Whether blanks around texts are removed."""
    columns: Mapping[str, ColumnSettings]
    """Settings of single columns by name."""


class Datasets(Resource[S]):
    """The account's datasets."""

    @operation
    def upload(
        self, source: Source, *, name: str | None = None, reading: ReadingSettings | None = None
    ) -> Call[InspectedDataset]:
        """Upload a table (by path), bytes or a DataFrame. A duplicate is stored once.

        `reading` has the settings by which the file is read; those that it leaves out are detected.
        """
        return upload_call(source, name, reading)

    @listing
    def list(self) -> Call[Page[Dataset]]:
        """The datasets, newest first."""
        return list_call("/v1/datasets", Dataset)

    @operation
    def get(self, dataset_id: int) -> Call[InspectedDataset]:
        """A dataset with its columns, findings about them, and a suggested label."""
        return Call("GET", f"/v1/datasets/{dataset_id}", json_as(InspectedDataset))

    @operation
    def correct(
        self,
        dataset_id: int,
        kinds: Mapping[str, str] | None = None,
        *,
        reading: ReadingSettings | None = None,
        dry_run: bool = False,
    ) -> Call[InspectedDataset]:
        """Correct the reading of a dataset, such as `reading={"columns": {"zip_code": {"type": "text"}}}`.

        `kinds` is short for the types number, text and date, such as `{"zip_code": "text"}`. A dry run
        returns the corrected dataset with a preview, and stores nothing.
        """
        return Call(
            "PATCH",
            f"/v1/datasets/{dataset_id}",
            json_as(InspectedDataset),
            params={"dry_run": True} if dry_run else {},
            json={"kinds": dict(kinds or {}), "reading": reading or {}},
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


def upload_call(
    source: Source, name: str | None = None, reading: ReadingSettings | None = None
) -> Call[InspectedDataset]:
    return Call(
        "POST",
        "/v1/datasets",
        json_as(InspectedDataset),
        files={"file": upload_of(source, name)},
        fields={
            name: setting if isinstance(setting, str) else json.dumps(setting)
            for name, setting in (reading or {}).items()
        },
        headers=idempotency_header(),
    )


def _read_findings(response: Response) -> list[Finding]:
    return json_as(Findings)(response).findings
