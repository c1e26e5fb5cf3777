"""Datasets."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.groups import make_group
from farebox.command.options import Confirmed, Listed, Shared
from farebox.command.prompts import confirm
from farebox.command.spreading import command
from farebox.errors import UnusableInput
from farebox.results.datasets import Finding, InspectedColumn, InspectedDataset

COLUMNS = {"id": "id", "name": "name", "rows": "rows", "bytes": "size_bytes", "uploaded": "created_at"}
MOST_VALUES = 3
KINDS = ("number", "text", "date")
NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
DatasetId = Annotated[int, typer.Argument(metavar="DATASET", min=1, help="The id that the list shows.")]


@command
def show_all(listed: Listed) -> None:
    """List your datasets, newest first."""
    with listed.connect() as client:
        found = islice(client.datasets.list(), listed.limit)
        empty = "There are no datasets yet; upload one with: farebox datasets add FILE"
        output.show_rows(found, COLUMNS, as_json=listed.as_json, empty=empty)


@command
def add(
    file: Annotated[Path, typer.Argument(help="A CSV file, plain or gzip'd, or a Parquet file.")],
    shared: Shared,
    kinds: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=KIND", help="What a column is: number, text or date; repeatable."),
    ] = None,
) -> None:
    """Upload a table and show what is in it. The same file is kept once."""
    told = _read_kinds(kinds or [])
    with shared.connect() as client:
        dataset = client.datasets.upload(file)
        if told:
            dataset = client.datasets.correct(dataset.id, told)
    _show(dataset, dataset.findings, as_json=shared.as_json)


@command
def show(
    dataset: DatasetId,
    shared: Shared,
    label: Annotated[
        str | None, typer.Option("--label", "-l", help="Also tell what matters when predicting this column.")
    ] = None,
) -> None:
    """Show a dataset's columns, and what is remarkable about them."""
    with shared.connect() as client:
        found = client.datasets.get(dataset)
        findings = [*found.findings, *(client.datasets.findings(dataset, label) if label else [])]
    _show(found, findings, as_json=shared.as_json)


@command
def correct(
    dataset: DatasetId,
    kinds: Annotated[list[str], typer.Argument(metavar="NAME=KIND...", help="number, text or date.")],
    shared: Shared,
) -> None:
    """Say what columns are where they look otherwise, such as zip_code=text."""
    told = _read_kinds(kinds)
    with shared.connect() as client:
        found = client.datasets.correct(dataset, told)
    _show(found, found.findings, as_json=shared.as_json)


@command
def preview(dataset: DatasetId, shared: Shared) -> None:
    """Show a dataset's first rows."""
    with shared.connect() as client:
        first = client.datasets.preview(dataset)
    if shared.as_json:
        output.show_json(first)
    else:
        output.show_table(first.columns, first.rows)


@command
def delete(dataset: DatasetId, asked: Confirmed) -> None:
    """Delete a dataset; models trained on it stay."""
    with asked.connect() as client:
        confirm(f"Delete dataset {dataset}?", yes=asked.yes)
        client.datasets.delete(dataset)
    if asked.as_json:
        output.show_json({"deleted": dataset})
    else:
        output.say(f"Dataset {dataset} is deleted.")


def _read_kinds(pairs: Sequence[str]) -> dict[str, str]:
    read: dict[str, str] = {}
    for pair in pairs:
        name, _, kind = pair.rpartition("=")
        if not name or kind not in KINDS:
            raise UnusableInput(f"'{pair}' should be NAME=KIND, with a kind of {', '.join(KINDS)}.")
        read[name] = kind
    return read


def _show(dataset: InspectedDataset, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        output.show_json(dataset.model_copy(update={"findings": list(findings)}))
        return
    output.show_facts(
        {
            "dataset": dataset.id,
            "name": dataset.name,
            "rows": dataset.rows,
            "duplicates": dataset.duplicate_rows,
            "format": _format(dataset),
            "label": dataset.suggested.label and f"{dataset.suggested.label} (suggested)",
        }
    )
    rows = ([each.name, each.kind, each.missing, each.distinct, _values(each)] for each in dataset.columns)
    output.show_table(["column", "kind", "missing", "distinct", "values"], rows)
    if findings:
        told = ([each.severity, each.detail, each.advice] for each in findings)
        output.show_table(["", "what is remarkable", "what to do"], told)


def _format(dataset: InspectedDataset) -> str:
    if dataset.dialect is None:
        return dataset.format
    dialect = dataset.dialect
    delimiter = NAMES.get(dialect.delimiter, dialect.delimiter)
    packed = f", {dialect.compression}" if dialect.compression else ""
    return f"{dataset.format}, {dialect.encoding}, fields end at {delimiter}{packed}"


def _values(column: InspectedColumn) -> str:
    if column.quantiles is not None and (column.kind == "date" or not column.top_values):
        return f"{column.quantiles.min} to {column.quantiles.max}"
    shown = ", ".join(f"{each.value} ({each.count})" for each in column.top_values[:MOST_VALUES])
    return f"{shown}, ..." if column.distinct > MOST_VALUES else shown


app = make_group("Tables, uploaded once and trained on often.", show_all, add, show, correct, preview, delete)
