"""The kinds of values that several requests take, with their bounds."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StrictStr

LARGEST_ID = 2**63 - 1
MOST_UNITS = 1_000_000_000
MOST_TOKENS = 1_000_000


def _without_nul(text: str) -> str:
    # PostgreSQL's text cannot hold it.
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    return text


Text = Annotated[StrictStr, AfterValidator(_without_nul)]
Label = Annotated[Text, Field(min_length=1, max_length=200)]
Name = Annotated[Text, Field(min_length=1, max_length=320)]
Id = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
PathId = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Units = Annotated[StrictInt, Field(ge=0, le=MOST_UNITS)]
Amount = Annotated[StrictInt, Field(ge=1, le=MOST_TOKENS, description="whole tokens")]


class Body(BaseModel):
    """A request body of /v1: no field that is not known."""

    model_config = ConfigDict(extra="forbid")
