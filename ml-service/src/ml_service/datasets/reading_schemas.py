"""Schemas of the settings of a reading: those that its owner gives, and all by which a file was read."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from ml_service.errors import FieldUnusable
from ml_service.learning.tables import Reading
from ml_service.learning.tables.encodings import ENCODINGS
from ml_service.learning.tables.settings import ISO, LONGEST_SHEET, ColumnReading

MOST_COLUMNS = 2000
MOST_WORDS = 100
LONGEST_WORD = 100
MOST_LINES = 1000
LONGEST_FORMAT = 40

ColumnName = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Words = Annotated[list[Annotated[StrictStr, Field(max_length=LONGEST_WORD)]], Field(max_length=MOST_WORDS)]
Lines = Annotated[StrictInt, Field(ge=0, le=MOST_LINES)]
DecimalMark = Literal[".", ","]
ThousandsMark = Literal["", ",", ".", "'", " ", "_"]


def _check_delimiter(delimiter: str) -> str:
    if not (delimiter == "\t" or (delimiter.isascii() and delimiter.isprintable())) or delimiter in {
        '"',
        "'",
    }:
        raise ValueError("must be one ASCII character that is neither a quote nor a line end")
    return delimiter


def _check_encoding(encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise ValueError(f"must be one of {', '.join(ENCODINGS)}")
    return encoding


def _check_format(format: str) -> str:
    """Refuse formats that strptime cannot compile; a text that no format matches shows which can be."""
    if format == ISO:
        return format
    try:
        datetime.strptime("\0", format)  # noqa: DTZ007 - only compiled
    except ValueError as error:
        if "does not match" in str(error) and "%" in format:
            return format
    except re.error:
        pass
    raise ValueError("must be iso, or a format of dates such as %d.%m.%Y, each part once")


DateFormat = Annotated[StrictStr, Field(max_length=LONGEST_FORMAT), AfterValidator(_check_format)]
Delimiter = Annotated[StrictStr, Field(min_length=1, max_length=1), AfterValidator(_check_delimiter)]
EncodingName = Annotated[StrictStr, AfterValidator(_check_encoding)]


class ColumnSettings(BaseModel):
    """Settings of a column; what is left out is detected.

    `format` is `iso` or a strptime format of dates such as %d.%m.%Y. `unit` is the currency or % of numbers.
    `missing` has the words for a missing cell. With `exceptions: missing`, cells that the type does not fit
    are missing.
    """

    model_config = ConfigDict(extra="forbid")

    type: Literal["number", "whole", "text", "boolean", "date", "time", "omitted"] | None = None
    format: Annotated[StrictStr, Field(max_length=LONGEST_FORMAT), AfterValidator(_check_format)] | None = (
        None
    )
    decimal: DecimalMark | None = None
    thousands: ThousandsMark | None = None
    unit: Annotated[StrictStr, Field(max_length=10)] | None = None
    missing: Words | None = None
    trim: StrictBool | None = None
    exceptions: Literal["decide", "missing"] | None = None


class ReadingSettings(BaseModel):
    """Settings of a file; what is left out is detected, or remains as it is.

    `header` is false for a file without names of columns; `skip_top` and `skip_bottom` count lines, or rows
    of a sheet, around the table. `sheet` is one of a workbook. `missing` has the words for a missing cell in
    all columns.
    """

    model_config = ConfigDict(extra="forbid")

    encoding: EncodingName | None = None
    delimiter: Delimiter | None = None
    quote: Literal['"', "'", ""] | None = None
    decimal: DecimalMark | None = None
    thousands: ThousandsMark | None = None
    header: StrictBool | None = None
    skip_top: Lines | None = None
    skip_bottom: Lines | None = None
    sheet: Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_SHEET)] | None = None
    missing: Words | None = None
    trim: StrictBool | None = None
    columns: Annotated[dict[ColumnName, ColumnSettings], Field(max_length=MOST_COLUMNS)] = {}

    def to_reading(self) -> Reading:
        return Reading.from_json(self.model_dump(exclude_none=True))

    @classmethod
    def from_form(cls, fields: Mapping[str, str]) -> Self:
        """The settings in the fields of a form, lists and columns as JSON; raises FieldUnusable."""
        values = {name: _from_field(name, fields[name]) for name in cls.model_fields if name in fields}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise FieldUnusable(name, f"is right: {first['msg'].removeprefix('Value error, ')}") from None


TEXT_FIELDS = {"encoding", "delimiter", "quote", "decimal", "thousands", "sheet"}


def _from_field(name: str, text: str) -> Any:  # Any: decoded JSON
    if name in TEXT_FIELDS:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FieldUnusable(name, "is JSON, such as true, 2 or a list of words") from None


class ReadingView(ReadingSettings):
    """All settings by which the file was read."""

    model_config = ConfigDict(extra="ignore")

    encoding: str | None = None
    compression: str | None = None
    sheet: str | None = None


def types_to_reading(kinds: Mapping[str, str]) -> Reading:
    columns = {name: ColumnReading.from_json({"type": kind}) for name, kind in kinds.items()}
    return Reading(columns=columns)
