"""Tables, read strictly from files."""

from ml_service.learning.tables.columnar_copy import copy_of, read_copy, read_stored_table, write_copy
from ml_service.learning.tables.dialect import Dialect
from ml_service.learning.tables.errors import CSV_ERRORS, CsvError, UploadChanged, UploadMissing
from ml_service.learning.tables.profile import ColumnProfile, TableProfile, profile
from ml_service.learning.tables.reading import read_csv, read_table
from ml_service.learning.tables.stored_files import check_upload
from ml_service.learning.tables.table import (
    DEFAULT_LIMITS,
    MEGABYTE,
    Column,
    ColumnType,
    CsvLimits,
    Json,
    Table,
)

__all__ = [
    "CSV_ERRORS",
    "DEFAULT_LIMITS",
    "MEGABYTE",
    "Column",
    "ColumnProfile",
    "ColumnType",
    "CsvError",
    "CsvLimits",
    "Dialect",
    "Json",
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
