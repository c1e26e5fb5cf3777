"""Field types shared by the requests of several services."""

import re
import unicodedata
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field, StrictInt, StrictStr

LARGEST_ID = 2**63 - 1
NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def storable_text(text: str) -> str:
    """The unchanged text; raises ValueError for characters that PostgreSQL cannot store."""
    if NOT_STORABLE.search(text) is not None:
        raise ValueError("must not contain NUL or broken characters")
    return text


def fold_name(name: str) -> str:
    """Fold case, width and composition, so that names that look the same are equal."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


RowId = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
RowIdInPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Text = Annotated[StrictStr, AfterValidator(storable_text)]
