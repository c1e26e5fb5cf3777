"""`farebox datasets`: upload, inspect, correct and delete tables."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.dataset_view import show_dataset, show_first_rows
from farebox.command.errors import handle_errors
from farebox.command.options import DEFAULT_LIMIT, TABLE_FILE, AsJson, Limit, ListByDefault, Url, Yes, row_id
from farebox.command.prompts import confirm
from farebox.command.reading import COLUMN_HELP, read_columns, with_reading
from farebox.errors import InvalidArgument
from farebox.resources.datasets import ReadingSettings

COLUMNS = {"id": "id", "name": "name", "rows": "rows", "bytes": "size_bytes", "created": "created_at"}
DatasetId = Annotated[
    int, typer.Argument(metavar="DATASET", parser=row_id, help="The dataset's id, from the list.")
]
Columns = Annotated[list[str] | None, typer.Argument(metavar="[COLUMN=TYPE[:FORMAT]]...", help=COLUMN_HELP)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the result, and store nothing.")]

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
@with_reading
def add(
    file: Annotated[Path, typer.Argument(help=TABLE_FILE)],
    reading: ReadingSettings,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Upload a table and show its columns. A duplicate is stored once."""
    with Farebox(url) as client:
        dataset = client.datasets.upload(file, reading=reading)
    show_dataset(dataset, dataset.findings, as_json=as_json)


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
    show_dataset(inspected, findings, as_json=as_json)


@app.command()
@handle_errors
@with_reading
def correct(
    dataset: DatasetId,
    reading: ReadingSettings,
    columns: Columns = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Correct the reading of a dataset: the types of columns, and settings of its file.

    Examples: zip_code=text; day=date:%d.%m.%Y; price=number:1.234,5; id=omitted. The correction titer=missing
    reads cells as missing that the type of their column does not fit.
    """
    if columns:
        reading["columns"] = {**reading.get("columns", {}), **read_columns(columns)}
    if not reading:
        raise InvalidArgument("Pass a correction, such as zip_code=text or --encoding cp1252.")
    with Farebox(url) as client:
        inspected = client.datasets.correct(dataset, reading=reading, dry_run=dry_run)
    show_dataset(inspected, inspected.findings, as_json=as_json)
    if dry_run and inspected.preview is not None and not as_json:
        show_first_rows(inspected.preview)
        output.message("Nothing is stored; leave out --dry-run to correct the dataset.")


@app.command()
@handle_errors
def preview(dataset: DatasetId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a dataset's first rows."""
    with Farebox(url) as client:
        rows_preview = client.datasets.preview(dataset)
    if as_json:
        output.show_json(rows_preview)
    else:
        show_first_rows(rows_preview)


@app.command()
@handle_errors
def delete(dataset: DatasetId, yes: Yes = False, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a dataset; models trained on it stay."""
    with Farebox(url) as client:
        confirm(f"Delete dataset {dataset}?", yes=yes)
        client.datasets.delete(dataset)
    output.show_outcome({"deleted": dataset}, f"Dataset {dataset} is deleted.", as_json=as_json)
