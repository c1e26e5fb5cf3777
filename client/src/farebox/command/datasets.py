"""`farebox datasets`: upload, inspect, correct and delete tables."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, AsJson, Limit, ListByDefault, Url, Yes, row_id
from farebox.command.prompts import confirm
from farebox.errors import InvalidArgument
from farebox.results.datasets import Finding, InspectedColumn, InspectedDataset

COLUMNS = {"id": "id", "name": "name", "rows": "rows", "bytes": "size_bytes", "created": "created_at"}
SHOWN_VALUES = 3
KINDS = ("number", "text", "date")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
DatasetId = Annotated[
    int, typer.Argument(metavar="DATASET", parser=row_id, help="The dataset's id, from the list.")
]
KindOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=KIND", help="A column's kind: number, text or date; repeatable."),
]
KindArguments = Annotated[list[str], typer.Argument(metavar="NAME=KIND...", help="number, text or date.")]

app = typer.Typer(help="Tables, uploaded once and trained on often.", cls=ListByDefault)


@app.command("list")
@handle_errors
def list_datasets(limit: Limit = DEFAULT_LIMIT, as_json: AsJson = False, url: Url = None) -> None:
    """List your datasets, newest first."""
    with Farebox(url) as client:
        datasets = islice(client.datasets.list(), limit)
        empty = "There are no datasets yet; upload one with: farebox datasets add FILE"
        output.show_rows(datasets, COLUMNS, as_json=as_json, empty=empty)


@app.command()
@handle_errors
def add(
    file: Annotated[Path, typer.Argument(help="A CSV file, plain or gzip-compressed, or a Parquet file.")],
    kinds: KindOption = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Upload a table and show its columns. A duplicate is stored once."""
    corrections = _read_kinds(kinds or [])
    with Farebox(url) as client:
        dataset = client.datasets.upload(file)
        if corrections:
            dataset = client.datasets.correct(dataset.id, corrections)
    _show(dataset, dataset.findings, as_json=as_json)


@app.command()
@handle_errors
def show(
    dataset: DatasetId,
    label: Annotated[
        str | None, typer.Option("--label", "-l", help="Add the findings for predicting this column.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a dataset's columns and the findings about them."""
    with Farebox(url) as client:
        inspected = client.datasets.get(dataset)
        findings = [*inspected.findings, *(client.datasets.findings(dataset, label) if label else [])]
    _show(inspected, findings, as_json=as_json)


@app.command()
@handle_errors
def correct(dataset: DatasetId, kinds: KindArguments, as_json: AsJson = False, url: Url = None) -> None:
    """Correct the kinds of columns, such as zip_code=text."""
    corrections = _read_kinds(kinds)
    with Farebox(url) as client:
        inspected = client.datasets.correct(dataset, corrections)
    _show(inspected, inspected.findings, as_json=as_json)


@app.command()
@handle_errors
def preview(dataset: DatasetId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a dataset's first rows."""
    with Farebox(url) as client:
        rows_preview = client.datasets.preview(dataset)
    if as_json:
        output.show_json(rows_preview)
    else:
        # As text: a year needs no thousands separator.
        rows = [[cell if cell is None else str(cell) for cell in row] for row in rows_preview.rows]
        output.show_table(rows_preview.columns, rows)


@app.command()
@handle_errors
def delete(dataset: DatasetId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a dataset; models trained on it stay."""
    with Farebox(url) as client:
        confirm(f"Delete dataset {dataset}?", yes=yes)
        client.datasets.delete(dataset)
    output.show_outcome({"deleted": dataset}, f"Dataset {dataset} is deleted.", as_json=as_json)


def _read_kinds(pairs: Sequence[str]) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for pair in pairs:
        name, _, kind = pair.rpartition("=")
        if not name or kind not in KINDS:
            raise InvalidArgument(f"'{pair}' should be NAME=KIND, with a kind of {', '.join(KINDS)}.")
        kinds[name] = kind
    return kinds


def _show(dataset: InspectedDataset, findings: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        output.show_json(dataset.model_copy(update={"findings": list(findings)}))
        return
    output.show_facts(
        {
            "dataset": str(dataset.id),
            "name": dataset.name,
            "rows": dataset.rows,
            "duplicate rows": dataset.duplicate_rows,
            "format": _format(dataset),
            "label": dataset.suggested.label and f"{dataset.suggested.label} (suggested)",
        }
    )
    rows = (
        [column.name, column.kind, column.missing, column.distinct, _values(column)]
        for column in dataset.columns
    )
    output.show_table(["column", "kind", "missing", "distinct", "values"], rows)
    if findings:
        lines = ([finding.severity, finding.detail, finding.advice] for finding in findings)
        output.show_table(["severity", "finding", "advice"], lines)


def _format(dataset: InspectedDataset) -> str:
    if dataset.dialect is None:
        return dataset.format
    dialect = dataset.dialect
    delimiter = DELIMITER_NAMES.get(dialect.delimiter, dialect.delimiter)
    compression = f", {dialect.compression}" if dialect.compression else ""
    return f"{dataset.format}, {dialect.encoding}, {delimiter}-separated{compression}"


def _values(column: InspectedColumn) -> str:
    if column.quantiles is not None and (column.kind == "date" or not column.top_values):
        return f"{column.quantiles.min} to {column.quantiles.max}"
    values = ", ".join(f"{top.value} ({top.count})" for top in column.top_values[:SHOWN_VALUES])
    return f"{values}, ..." if column.distinct > SHOWN_VALUES else values
