"""Tables out of files, read strictly."""

from ml_service.learning.tables.dialects import Dialect
from ml_service.learning.tables.errors import CSV_ERRORS, CsvError
from ml_service.learning.tables.limits import DEFAULT_LIMITS, CsvLimits
from ml_service.learning.tables.profiles import ColumnProfile, TableProfile, profile
from ml_service.learning.tables.reading import read_csv, read_table
from ml_service.learning.tables.table import Column, Kind, Table

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
