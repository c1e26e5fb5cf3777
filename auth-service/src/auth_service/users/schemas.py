"""Users on the wire."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
)

from auth_service.fields import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    account_name,
    usable_text,
)
from auth_service.models import User
from kit.identity import Role

# Longer than what is left of a name after normalisation, to refuse a flood before normalising it.
LONGEST_RAW_NAME = 2 * LONGEST_NAME
LONGEST_DISPLAY_NAME = 100

Text = AfterValidator(usable_text)
RawName = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_RAW_NAME), Text]
NewName = Annotated[RawName, AfterValidator(account_name)]
NewPassword = Annotated[
    str, StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD), Text
]
AnyPassword = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PASSWORD), Text]
DisplayName = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_DISPLAY_NAME, strip_whitespace=True), Text
]


class StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(StrictBody):
    """`email` may be sent instead of `name`; they are the same thing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada@example.org", "password": "a long sentence is best"}]}
    )

    name: NewName = Field(validation_alias=AliasChoices("name", "email"))
    password: NewPassword


class ProfileChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"display_name": "Ada Lovelace"}]})

    display_name: DisplayName | None


class PasswordChange(StrictBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "what it was", "new_password": "a longer sentence"}]
        }
    )

    current_password: AnyPassword
    new_password: NewPassword


class PasswordReset(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"new_password": "a longer sentence"}]})

    new_password: NewPassword


class UserChange(StrictBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "admin"}, {"disabled": True}]})

    role: Role | None = None
    disabled: StrictBool | None = None


class UserView(BaseModel):
    id: int
    name: str
    display_name: str | None
    role: Role
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        return cls(
            id=user.id,
            name=user.name,
            display_name=user.display_name,
            role=user.role,
            disabled=user.disabled,
            created_at=user.created_at,
        )
