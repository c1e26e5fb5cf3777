"""Reading an uploaded file through, in a process of its own, so that the event loop stays free."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml_service.errors import DatasetNotFound
from ml_service.learning import tables
from ml_service.learning.findings.columns import ColumnView, Finding, find, suggest
from ml_service.learning.findings.labels import find_in_classes, find_leakage
from ml_service.learning.tables.statistics import compute_statistics
from ml_service.store.files import Files
from ml_service.store.readers import Readers

READERS = 2
PREVIEW_ROWS = 20
PREVIEW_COLUMNS = 100
PREVIEW_CELL = 200

Json = dict[str, Any]  # Any: decoded JSON


@dataclass(frozen=True, slots=True)
class Source:
    """A file in the store, and what some of its columns are whatever they look like."""

    store_url: str
    key: str
    limits: tables.CsvLimits
    kinds: Mapping[str, tables.ColumnType]

    def read(self) -> tables.Table:
        with Files(self.store_url).on_disk(self.key) as path:
            return tables.read_table(path, self.limits, kinds=self.kinds)


@dataclass(frozen=True, slots=True)
class LabelQuestion:
    label: str
    is_classes: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """`profile` is what training orders are checked against, `details` what people want to see."""

    rows: int
    columns: int
    profile: Json
    preview: Json
    details: Json


class Inspector:
    """Its calls raise the strict reader's errors, and DatasetNotFound for a file that is gone."""

    def __init__(self, files: Files, limits: tables.CsvLimits) -> None:
        self._files, self._limits = files, limits
        self._readers = Readers(READERS)

    async def inspect(self, key: str, kinds: Mapping[str, tables.ColumnType]) -> Inspection:
        try:
            return await self._readers.run(inspect_file, self._source(key, kinds))
        except FileNotFoundError:
            raise DatasetNotFound from None

    async def look_at_label(
        self, key: str, kinds: Mapping[str, tables.ColumnType], question: LabelQuestion
    ) -> list[Finding]:
        try:
            return await self._readers.run(find_about_label, self._source(key, kinds), question)
        except FileNotFoundError:
            raise DatasetNotFound from None

    def _source(self, key: str, kinds: Mapping[str, tables.ColumnType]) -> Source:
        return Source(self._files.url, key, self._limits, kinds)


def inspect_file(source: Source) -> Inspection:
    table = source.read()
    profile, seen = tables.profile(table), compute_statistics(table)
    looks = [ColumnView(each, seen.columns[name]) for name, each in profile.columns.items()]
    findings = find(looks, table.rows, seen.duplicate_rows)
    details: Json = {
        "format": "parquet" if table.dialect is None else "csv",
        "dialect": None if table.dialect is None else asdict(table.dialect),
        "duplicate_rows": seen.duplicate_rows,
        "columns": [_describe(look) for look in looks],
        "findings": [asdict(each) for each in findings],
        "suggested": asdict(suggest(looks, findings)),
    }
    return Inspection(table.rows, len(table.columns), profile.to_json(), _preview(table), details)


def find_about_label(source: Source, question: LabelQuestion) -> list[Finding]:
    """Nothing about a label of more classes than can be trained on."""
    table = source.read()
    if not question.is_classes:
        return list(find_leakage(table, question.label, False))
    counts = tables.profile(table).columns[question.label].value_counts
    if counts is None:
        return []
    return [*find_leakage(table, question.label, True), *find_in_classes(question.label, counts)]


def _describe(look: ColumnView) -> Json:
    column = look.column
    known = {"name": column.name, "kind": column.kind, "missing": column.missing, "whole": column.whole}
    return known | asdict(look.statistics)


def _preview(table: tables.Table) -> Json:
    columns = list(table.columns.values())[:PREVIEW_COLUMNS]
    cells = [[_shown(cell) for cell in each.cells.slice(0, PREVIEW_ROWS).to_pylist()] for each in columns]
    return {
        "columns": [each.name for each in columns],
        "rows": [list(row) for row in zip(*cells, strict=True)],
    }


def _shown(cell: object) -> object:
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    return str(cell)[:PREVIEW_CELL]
