"""Tables, read from files by settings that are detected or given."""

from ml_service.learning.tables.columnar_copy import copy_of, read_copy, read_stored_table, write_copy
from ml_service.learning.tables.errors import CSV_ERRORS, CsvError, UploadChanged, UploadMissing
from ml_service.learning.tables.profile import ColumnProfile, TableProfile, profile
from ml_service.learning.tables.reading import read_csv, read_table
from ml_service.learning.tables.settings import ColumnReading, Json, Reading
from ml_service.learning.tables.stored_files import check_upload
from ml_service.learning.tables.table import (
    DEFAULT_LIMITS,
    DETECTED,
    MEGABYTE,
    Column,
    ColumnType,
    CsvLimits,
    Decision,
    Finding,
    Table,
)

__all__ = [
    "CSV_ERRORS",
    "DEFAULT_LIMITS",
    "DETECTED",
    "MEGABYTE",
    "Column",
    "ColumnProfile",
    "ColumnReading",
    "ColumnType",
    "CsvError",
    "CsvLimits",
    "Decision",
    "Finding",
    "Json",
    "Reading",
    "Table",
    "TableProfile",
    "UploadChanged",
    "UploadMissing",
    "check_upload",
    "copy_of",
    "profile",
    "read_copy",
    "read_csv",
    "read_stored_table",
    "read_table",
    "write_copy",
]
