"""Types and limits of request fields that several endpoints share."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from kit.fields import Text

# At the highest price, this many units still cost less than the maximum of BIGINT.
LARGEST_UNITS = 1_000_000_000
LARGEST_AMOUNT = 1_000_000
LARGEST_GRANT = 1_000_000_000
# Above the limit of auth-service, so that auth-service can raise it.
LONGEST_ACCOUNT_NAME = 320

# A short text from a client, such as the name of a model.
Label = Annotated[Text, Field(min_length=1, max_length=200)]
# A label of work, such as `challenge:17`.
Context = Annotated[Text, Field(min_length=1, max_length=40)]
AccountName = Annotated[Text, Field(min_length=1, max_length=LONGEST_ACCOUNT_NAME)]
Units = Annotated[StrictInt, Field(ge=0, le=LARGEST_UNITS)]
Amount = Annotated[StrictInt, Field(ge=1, le=LARGEST_AMOUNT, description="whole tokens")]


def _in_range(moment: datetime) -> datetime:
    if not 2000 <= moment.year <= 2200:
        raise ValueError("must lie between the years 2000 and 2200")
    return moment


Moment = Annotated[datetime, AfterValidator(_in_range)]


class Body(BaseModel):
    """A request body that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid")


class GrantRequest(Body):
    amount: Annotated[StrictInt, Field(ge=1, le=LARGEST_GRANT, description="whole tokens")]
    reason: Label
