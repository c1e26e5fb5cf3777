"""Inspection of uploaded files in reader processes, so that the event loop stays free."""

import contextlib
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from kit.identity import UserId
from ml_service.learning import tables
from ml_service.learning.findings.columns import ColumnView, find
from ml_service.learning.findings.labels import find_in_classes, find_task
from ml_service.learning.findings.leakage import find_leakage
from ml_service.learning.findings.suggestions import suggest
from ml_service.learning.tables import Json
from ml_service.learning.tables.errors import UploadChanged, UploadMissing
from ml_service.learning.tables.statistics import compute_statistics
from ml_service.store.files import COPY_SUFFIX, Files
from ml_service.store.local_files import NotTheStoredFile
from ml_service.store.process_pool import ProcessPool

PREVIEW_ROWS = 20
PREVIEW_COLUMNS = 100
PREVIEW_CELL_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store; a `verified` one has just been received, so its digest needs no check."""

    key: str
    size: int
    sha256: bytes
    verified: bool = False


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A file in the store, and the settings that its owner has given."""

    store_url: str
    file: StoredFile
    limits: tables.CsvLimits
    reading: tables.Reading
    keeps_copy: bool = True

    def read(self) -> tables.Table:
        """The table from its columnar copy, which is written if none has these settings.

        Raises UploadMissing or UploadChanged unless the stored file is the one that was uploaded.
        """
        files, file = Files(self.store_url), self.file
        with self._on_disk(files) as path:
            if not file.verified:
                tables.check_upload(path, self.limits, file.sha256)
            table = tables.read_copy(tables.copy_of(path), None, self.reading, file.sha256)
            if table is None:
                table = tables.read_table(path, self.limits, reading=self.reading)
                if not self.keeps_copy:
                    return table
                # Without a copy, for example on a full disk, trainings parse the uploaded file.
                with contextlib.suppress(OSError), files.file_to_replace(self.copy_key) as copy:
                    tables.write_copy(table, copy, file.size, self.reading, file.sha256)
        return table

    @contextlib.contextmanager
    def _on_disk(self, files: Files) -> Generator[Path]:
        """The file, whose size is checked before it is downloaded or read."""
        try:
            with files.on_disk(self.file.key, COPY_SUFFIX, size=self.file.size) as path:
                yield path
        except NotTheStoredFile:
            raise UploadChanged from None
        except FileNotFoundError:
            raise UploadMissing from None

    @property
    def copy_key(self) -> str:
        return self.file.key + COPY_SUFFIX

    def measure_copy(self) -> int:
        return Files(self.store_url).size(self.copy_key)


@dataclass(frozen=True, slots=True)
class LabelColumn:
    name: str
    has_classes: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """`profile` serves to check training requests; `details` are the statistics and findings for display.

    Without details, the dataset gets them when it is first shown. `copy_bytes` is the size of the copy.
    """

    rows: int
    columns: int
    profile: Json
    preview: Json
    details: Json | None
    copy_bytes: int


class Inspector:
    """Inspects stored files; raises CSV_ERRORS and POOL_ERRORS."""

    def __init__(self, files: Files, limits: tables.CsvLimits, readers: ProcessPool) -> None:
        self._files, self._limits, self._readers = files, limits, readers

    async def inspect(
        self,
        user_id: UserId,
        file: StoredFile,
        reading: tables.Reading,
        *,
        details: bool = True,
        keeps_copy: bool = True,
    ) -> Inspection:
        """Without `keeps_copy` the columnar copy remains that of the stored settings."""
        table = StoredTable(self._files.url, file, self._limits, reading, keeps_copy)
        return await self._readers.run(inspect_file, table, details, user=user_id)

    async def inspect_label(
        self, user_id: UserId, file: StoredFile, reading: tables.Reading, label: LabelColumn
    ) -> list[tables.Finding]:
        table = StoredTable(self._files.url, file, self._limits, reading)
        return await self._readers.run(find_label_findings, table, label, user=user_id)


def are_current(details: Json | None) -> bool:
    """False for details of an earlier version, which has read the file by other rules."""
    return details is not None and "reading" in details


def inspect_file(stored: StoredTable, with_details: bool) -> Inspection:
    table = stored.read()
    profile = tables.profile(table, stored.reading)
    details = _find_details(table, profile) if with_details else None
    columns, preview = len(table.header), _preview(table)
    return Inspection(table.rows, columns, profile.to_json(), preview, details, stored.measure_copy())


def _find_details(table: tables.Table, profile: tables.TableProfile) -> Json:
    statistics = compute_statistics(table)
    views = [ColumnView(column, statistics.columns[name]) for name, column in profile.columns.items()]
    findings = [*table.findings, *find(views, table.rows, statistics.duplicate_rows)]
    return {
        "format": table.format,
        "dialect": _dialect(table) if table.format == "csv" else None,
        "sheets": table.sheets,
        "reading": table.reading.to_json(),
        "corrections": profile.given.to_json(),
        "duplicate_rows": statistics.duplicate_rows,
        "columns": [_describe(view) for view in views],
        "findings": [asdict(finding) for finding in findings],
        "suggested": asdict(suggest(views, findings)),
    }


def find_label_findings(stored: StoredTable, label: LabelColumn) -> list[tables.Finding]:
    """Findings about a label; none for a label with too many classes to train on."""
    table = stored.read()
    column = tables.profile(table).columns[label.name]
    if not label.has_classes:
        return [*find_task(column, False), *find_leakage(table, label.name, False)]
    if column.value_counts is None:
        return []
    return [
        *find_task(column, True),
        *find_leakage(table, label.name, True),
        *find_in_classes(label.name, column.value_counts),
    ]


def _dialect(table: tables.Table) -> Json:
    """The settings of a CSV file by which earlier clients know it."""
    reading = table.reading
    decimals = {column.reading.decimal for column in table.columns.values()}
    return {
        "delimiter": reading.delimiter,
        "encoding": reading.encoding,
        "decimal": reading.decimal or ("," if "," in decimals else "."),
        "compression": reading.compression,
    }


def _describe(view: ColumnView) -> Json:
    column = view.column
    members = {
        "name": column.name,
        "kind": column.kind,
        "type": column.type,
        "missing": column.missing,
        "whole": column.whole,
        "needs_decision": column.decision is not None,
    }
    return members | asdict(view.statistics)


def _preview(table: tables.Table) -> Json:
    columns = list(table.columns.values())[:PREVIEW_COLUMNS]
    cells = [
        [_preview_cell(cell) for cell in column.cells.slice(0, PREVIEW_ROWS).to_pylist()]
        for column in columns
    ]
    return {
        "columns": [column.name for column in columns],
        "rows": [list(row) for row in zip(*cells, strict=True)],
    }


def _preview_cell(cell: object) -> object:
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    return str(cell)[:PREVIEW_CELL_CHARACTERS]
