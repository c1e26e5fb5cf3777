"""Types of request fields that several endpoints share, with their bounds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from kit.fields import Text

# At the highest price so many units cost less than BIGINT holds.
LARGEST_UNITS = 1_000_000_000
LARGEST_AMOUNT = 1_000_000
# Longer than auth-service allows, so that a new limit there breaks nothing here.
LONGEST_ACCOUNT_NAME = 320

# A short text that clients choose, such as the name of a model.
Label = Annotated[Text, Field(min_length=1, max_length=200)]
AccountName = Annotated[Text, Field(min_length=1, max_length=LONGEST_ACCOUNT_NAME)]
Units = Annotated[StrictInt, Field(ge=0, le=LARGEST_UNITS)]
Amount = Annotated[StrictInt, Field(ge=1, le=LARGEST_AMOUNT, description="whole tokens")]


class Body(BaseModel):
    """A request body of /v1; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
