"""Field types shared by the requests of several services."""

import re
import unicodedata
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr

LARGEST_ID = 2**63 - 1
DECIMAL_ID = re.compile("[1-9][0-9]{0,18}")
DECIMAL_NUMBER = re.compile("0|-?[1-9][0-9]*")
NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The unchanged text; raises ValueError for characters that PostgreSQL cannot store."""
    if NOT_STORABLE.search(text) is not None:
        raise ValueError("must not contain NUL or broken characters")
    return text


def check_decimal_id(text: str) -> str:
    """The unchanged id; raises ValueError for any writing but the decimal number."""
    if DECIMAL_ID.fullmatch(text) is None or int(text) > LARGEST_ID:
        raise ValueError("must be a whole number from 1, in digits alone")
    return text


def check_decimal_number(text: str) -> str:
    """The unchanged whole number; raises ValueError for any writing but the decimal number."""
    if DECIMAL_NUMBER.fullmatch(text) is None:
        raise ValueError("must be a whole number, in digits alone")
    return text


def fold_name(name: str) -> str:
    """Fold case, width and composition, so that names that look the same are equal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


RowId = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
# Without the check pydantic would also read `7.0`, `+7`, ` 7` and `07` as 7: several addresses of one row.
RowIdInPath = Annotated[int, Path(ge=1, le=LARGEST_ID), BeforeValidator(check_decimal_id)]
# For queries and headers, which pydantic reads as leniently.
DecimalId = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(check_decimal_id)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(check_decimal_number)]
WholeNumber = Annotated[int, BeforeValidator(check_decimal_number)]
Text = Annotated[StrictStr, AfterValidator(storable_text)]
