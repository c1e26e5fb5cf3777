"""Sessions on the wire."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints

from auth_service.sessions.models import LoginSession
from auth_service.sessions.service import TokenPair
from auth_service.users.schemas import AnyPassword, RawName, StrictBody, Text


class Login(StrictBody):
    """`email` may be sent instead of `name`; they are the same thing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ada@example.org", "password": "a long sentence is best"}]}
    )

    name: RawName = Field(validation_alias=AliasChoices("name", "email"))
    password: AnyPassword


class Refresh(StrictBody):
    refresh_token: Annotated[str, StringConstraints(min_length=1, max_length=200), Text]


class SessionView(BaseModel):
    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="seconds until the access token expires")
    refresh_token: str = Field(description="good for one refresh, which gives the next one")
    refresh_expires_in: int

    @classmethod
    def of(cls, pair: TokenPair) -> Self:
        return cls(
            access_token=pair.access.text,
            expires_in=pair.access.expires_in,
            refresh_token=pair.refresh,
            refresh_expires_in=pair.refresh_expires_in,
        )


class SessionRecord(BaseModel):
    started_at: datetime
    refreshed_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, login: LoginSession) -> Self:
        return cls(started_at=login.started_at, refreshed_at=login.refreshed_at, expires_at=login.expires_at)
