"""Field types that several services' requests share."""

import unicodedata
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field, StrictInt, StrictStr

LARGEST_ID = 2**63 - 1


def storable_text(text: str) -> str:
    """The text itself; raises ValueError for characters that PostgreSQL cannot store."""
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain NUL or broken characters")
    return text


def fold_name(name: str) -> str:
    """Equal for names that people would call the same: case, width and composition do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


RowId = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
RowIdInPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Text = Annotated[StrictStr, AfterValidator(storable_text)]
