"""A CSV file that is read strictly and cannot be."""

from farebox.errors.by_status import InvalidInput, PayloadTooLarge


class CsvUnreadable(InvalidInput):
    """The file cannot be read; `line` and `column` say where, when that is known."""

    code = "csv_unreadable"

    @property
    def line(self) -> int | None:
        line = self.members.get("line")
        return line if isinstance(line, int) else None

    @property
    def column(self) -> str | None:
        column = self.members.get("column")
        return column if isinstance(column, str) else None


class CsvTooLarge(PayloadTooLarge):
    code = "csv_too_large"


class CsvTooManyRows(CsvUnreadable):
    code = "csv_too_many_rows"


class CsvTooManyColumns(CsvUnreadable):
    code = "csv_too_many_columns"


class CsvCellTooLong(CsvUnreadable):
    code = "csv_cell_too_long"


class CsvOtherFormat(CsvUnreadable):
    code = "csv_other_format"


class CsvCorruptGzip(CsvUnreadable):
    code = "csv_corrupt_gzip"


class CsvNulByte(CsvUnreadable):
    code = "csv_nul_byte"


class CsvUndecodableByte(CsvUnreadable):
    code = "csv_undecodable_byte"


class CsvEmpty(CsvUnreadable):
    code = "csv_empty"


class CsvNoRows(CsvUnreadable):
    code = "csv_no_rows"


class CsvEmptyHeader(CsvUnreadable):
    code = "csv_empty_header"


class CsvDuplicateHeader(CsvUnreadable):
    code = "csv_duplicate_header"


class CsvHeaderTooLong(CsvUnreadable):
    code = "csv_header_too_long"


class CsvHeaderUnusable(CsvUnreadable):
    code = "csv_header_unusable"


class CsvHeaderMissing(CsvUnreadable):
    code = "csv_header_missing"


class CsvTooFewFields(CsvUnreadable):
    code = "csv_too_few_fields"


class CsvTooManyFields(CsvUnreadable):
    code = "csv_too_many_fields"


class CsvBadQuote(CsvUnreadable):
    code = "csv_bad_quote"


class CsvTextInNumberColumn(CsvUnreadable):
    code = "csv_text_in_number_column"


class CsvFormattedNumber(CsvUnreadable):
    code = "csv_formatted_number"


class CsvNumberOutOfRange(CsvUnreadable):
    code = "csv_number_out_of_range"


class CsvTextInDateColumn(CsvUnreadable):
    code = "csv_text_in_date_column"


class CsvDateOutOfRange(CsvUnreadable):
    code = "csv_date_out_of_range"


class ParquetCorrupt(CsvUnreadable):
    code = "parquet_corrupt"


class ParquetTypeUnsupported(CsvUnreadable):
    code = "parquet_type_unsupported"
