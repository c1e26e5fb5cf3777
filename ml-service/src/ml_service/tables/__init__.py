"""Tables out of files, read strictly."""

from ml_service.tables.dialects import Dialect
from ml_service.tables.errors import CSV_ERRORS, CsvError
from ml_service.tables.limits import DEFAULT_LIMITS, CsvLimits
from ml_service.tables.profiles import ColumnProfile, TableProfile, profile
from ml_service.tables.reading import read_csv, read_table
from ml_service.tables.table import Column, Kind, Table

__all__ = [
    "CSV_ERRORS",
    "DEFAULT_LIMITS",
    "Column",
    "ColumnProfile",
    "CsvError",
    "CsvLimits",
    "Dialect",
    "Kind",
    "Table",
    "TableProfile",
    "profile",
    "read_csv",
    "read_table",
]
