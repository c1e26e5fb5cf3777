"""Refusals of a table's file. Details name the line and the column, never a cell's content."""

from typing import Any

from kit.errors import ServiceError


class CsvError(ServiceError):
    """Base class of refusals; `line` counts the file's lines from 1, `column` is a header name.

    Files without lines have a `row` instead: of a Parquet file, or the number that a spreadsheet shows, with
    which a `cell` such as D3 is more exact.
    """

    status = 422
    code = "csv_unreadable"

    def __init__(
        self,
        sentence: str,
        *,
        line: int | None = None,
        row: int | None = None,
        cell: str | None = None,
        column: str | None = None,
    ) -> None:
        location = {"line": line, "row": None if cell else row, "cell": cell}
        location["column"] = f"'{column}'" if column else None
        prefix = ", ".join(f"{name} {value}" for name, value in location.items() if value)
        location |= {"row": row, "column": column}
        members: dict[str, Any] = {name: value for name, value in location.items() if value is not None}
        super().__init__(f"{prefix[:1].upper()}{prefix[1:]}: {sentence}" if prefix else sentence, **members)


class FileTooLarge(CsvError):
    status = 413
    code = "csv_too_large"


class TooManyRows(CsvError):
    code = "csv_too_many_rows"


class TooManyColumns(CsvError):
    code = "csv_too_many_columns"


class CellTooLong(CsvError):
    code = "csv_cell_too_long"


class NotCsv(CsvError):
    code = "csv_other_format"


class CorruptGzip(CsvError):
    code = "csv_corrupt_gzip"


class NulByte(CsvError):
    code = "csv_nul_byte"


class UndecodableByte(CsvError):
    code = "csv_undecodable_byte"


class EmptyFile(CsvError):
    code = "csv_empty"


class NoRows(CsvError):
    code = "csv_no_rows"


class EmptyHeader(CsvError):
    code = "csv_empty_header"


class DuplicateHeader(CsvError):
    code = "csv_duplicate_header"


class HeaderTooLong(CsvError):
    code = "csv_header_too_long"


class HeaderUnusable(CsvError):
    code = "csv_header_unusable"


class TooFewFields(CsvError):
    code = "csv_too_few_fields"


class TooManyFields(CsvError):
    code = "csv_too_many_fields"


class BadQuote(CsvError):
    code = "csv_bad_quote"


class TextInNumberColumn(CsvError):
    code = "csv_text_in_number_column"


class TextInDateColumn(CsvError):
    code = "csv_text_in_date_column"


class TextInBooleanColumn(CsvError):
    code = "csv_text_in_boolean_column"


class DateOutOfRange(CsvError):
    code = "csv_date_out_of_range"


class UploadChanged(CsvError):
    status = 409
    code = "upload_changed"

    def __init__(self) -> None:
        super().__init__("The stored file is no longer the one that was uploaded; upload it again.")


class UploadMissing(CsvError):
    status = 409
    code = "upload_missing"

    def __init__(self) -> None:
        super().__init__("The uploaded file is no longer stored; upload it again.")


class CorruptParquet(CsvError):
    code = "parquet_corrupt"


class ParquetTypeUnsupported(CsvError):
    code = "parquet_type_unsupported"


class CorruptWorkbook(CsvError):
    code = "workbook_corrupt"


class WorkbookEncrypted(CsvError):
    code = "workbook_encrypted"

    def __init__(self) -> None:
        super().__init__("The workbook is protected by a password; save it without one.")


class SheetUnknown(CsvError):
    code = "workbook_sheet_unknown"


class CorruptJson(CsvError):
    code = "json_corrupt"


class JsonTypesMixed(CsvError):
    code = "json_types_mixed"


class JsonTypeUnsupported(CsvError):
    code = "json_type_unsupported"


CSV_ERRORS: tuple[type[CsvError], ...] = (CsvError, *CsvError.__subclasses__())
