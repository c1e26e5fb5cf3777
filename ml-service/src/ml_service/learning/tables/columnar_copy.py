"""Columnar copy of a table: an Arrow file beside the uploaded one, which readers map into memory.

An inspection parses the file once and writes the copy; trainings then take 30 ms to read 46 MB instead of
350 ms. The file names the SHA-256 of the uploaded one and ends with that of its content: a copy of another
file, or a damaged or half-written one, is not used, and the uploaded file is parsed instead.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from ml_service.learning.tables.reading import read_table
from ml_service.learning.tables.settings import Json, Reading
from ml_service.learning.tables.stored_files import NotARegularFile, check_upload, open_regular
from ml_service.learning.tables.table import (
    DETECTED,
    Column,
    CsvLimits,
    Decision,
    Finding,
    Table,
)
from ml_service.store.files import COPY_SUFFIX

# To increase when reading or the layout changes, so that copies of an older version are not used.
VERSION = 4
METADATA = b"farebox"
# A copy with more bytes than this multiple of the uploaded file is compressed, which makes it slower to read.
MOST_EXPANSION = 2
DIGEST_BYTES = hashlib.sha256().digest_size


def copy_of(path: Path) -> Path:
    return path.with_name(path.name + COPY_SUFFIX)


def read_stored_table(
    path: Path,
    limits: CsvLimits,
    columns: Collection[str] | None = None,
    reading: Reading = DETECTED,
    sha256: bytes | None = None,
) -> Table:
    """Read a table from its columnar copy, or like `read_table` without a copy of this reading.

    Raises UploadMissing or UploadChanged unless the uploaded file is there and has this SHA-256.
    """
    check_upload(path, limits, sha256)
    table = read_copy(copy_of(path), columns, reading, sha256)
    return read_table(path, limits, columns, reading) if table is None else table


def write_copy(
    table: Table, path: Path, uploaded_bytes: int, reading: Reading = DETECTED, sha256: bytes | None = None
) -> None:
    """Write a table of all columns of an uploaded file of this size and SHA-256, read by these settings."""
    columns = list(table.columns.values())
    fields = [pa.field(column.name, column.cells.type) for column in columns]
    arrow = pa.Table.from_arrays([column.cells for column in columns], schema=pa.schema(fields))
    compression = "lz4" if arrow.nbytes > MOST_EXPANSION * uploaded_bytes else None
    document = {
        "version": VERSION,
        "source": _hex(sha256),
        "compression": compression,
        "header": table.header,
        "rows": table.rows,
        "format": table.format,
        "sheets": table.sheets,
        "given": reading.to_json(),
        "reading": table.reading.to_json(),
        "findings": [asdict(finding) for finding in table.findings],
        "columns": [_describe(column) for column in columns],
    }
    arrow = arrow.replace_schema_metadata({METADATA: json.dumps(document).encode()})
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_file(sink, arrow.schema, options=options) as writer,
    ):
        writer.write_table(arrow)
    with path.open("r+b") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0, os.SEEK_END)
        file.write(digest)


def read_copy(
    path: Path, columns: Collection[str] | None, reading: Reading, sha256: bytes | None = None
) -> Table | None:
    """The table with these columns and settings; None if no intact copy has them."""
    content = _map_intact(path)
    if content is None:
        return None
    with pa.ipc.open_file(content) as reader:
        document = json.loads(reader.schema.metadata[METADATA])
    if document["version"] != VERSION or (sha256 is not None and document["source"] != _hex(sha256)):
        return None
    read = Reading.from_json(document["reading"])
    if not _has_settings(Reading.from_json(document["given"]), read, reading, columns):
        return None
    described: list[Json] = document["columns"]
    chosen = [number for number, each in enumerate(described) if columns is None or each["name"] in columns]
    # Arrow copies the columns if it is given their numbers, which pays only if it must unpack them.
    packed = document["compression"] is not None
    options = pa.ipc.IpcReadOptions(included_fields=chosen if packed else None)
    with pa.ipc.open_file(content, options=options) as reader:
        cells = reader.read_all()
    typed = {
        described[n]["name"]: _to_column(described[n], cells.column(described[n]["name"]), read)
        for n in chosen
    }
    found = [Finding(**finding) for finding in document["findings"]]
    return Table(
        tuple(document["header"]),
        typed,
        document["rows"],
        read if columns is None else read.only(columns),
        [finding for finding in found if finding.column is None or finding.column in typed],
        document["format"],
        document["sheets"],
    )


def _has_settings(given: Reading, read: Reading, wanted: Reading, columns: Collection[str] | None) -> bool:
    """True for a copy that was made by the wanted settings, or whose detected ones are the wanted."""
    if columns is not None:
        given, read, wanted = given.only(columns), read.only(columns), wanted.only(columns)
    return wanted in (given, read)


def _hex(sha256: bytes | None) -> str | None:
    return None if sha256 is None else sha256.hex()


def _describe(column: Column) -> Json:
    names = ("name", "kind", "missing", "whole")
    decision = None if column.decision is None else asdict(column.decision)
    return {name: getattr(column, name) for name in names} | {"decision": decision}


def _to_column(described: Json, cells: pa.ChunkedArray, reading: Reading) -> Column:
    decision = described.pop("decision")
    return Column(
        **described,
        cells=cells,
        reading=reading.columns[described["name"]],
        decision=None if decision is None else Decision(**decision),
    )


def _map_intact(path: Path) -> pa.Buffer | None:
    """The content of the file in mapped memory; None if it does not match its digest."""
    try:
        with open_regular(path) as (file, stored_bytes):
            size = stored_bytes - DIGEST_BYTES
            if size <= 0:
                return None
            stored = pa.py_buffer(mmap.mmap(file.fileno(), stored_bytes, prot=mmap.PROT_READ))
    except (FileNotFoundError, NotARegularFile):
        return None
    content = stored.slice(0, size)
    return content if hashlib.sha256(content).digest() == stored.slice(size).to_pybytes() else None
