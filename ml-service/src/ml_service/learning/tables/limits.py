"""How large a table's file may be."""

from dataclasses import dataclass

from ml_service.learning.tables.errors import NoRows, TooManyRows

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvLimits:
    """What `GET /v1/limits` publishes about tables; sizes in bytes, lengths in characters."""

    file_bytes: int = 50 * MEGABYTE
    unpacked_bytes: int = 200 * MEGABYTE
    rows: int = 5_000_000
    columns: int = 2_000
    name_length: int = 100
    cell_length: int = 32_768


ROW_BYTES = 4 * MEGABYTE
DEFAULT_LIMITS = CsvLimits()


def check_rows(rows: int, limits: CsvLimits) -> None:
    if rows == 0:
        raise NoRows("There is a header but no row below it; add rows.")
    if rows > limits.rows:
        raise TooManyRows(f"There are {rows} rows; the limit is {limits.rows}.")
