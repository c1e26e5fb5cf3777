"""API keys on the wire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from auth_service.api_keys.models import StoredApiKey
from auth_service.api_keys.service import NewApiKey
from auth_service.base import utc_now
from auth_service.users.schemas import StrictBody, Text

LONGEST_DAYS = 3650
LARGEST_CAP = 10**12


Scope = Literal["read", "train", "predict"]


class ApiKeyOrder(StrictBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "nightly job", "scopes": ["predict"], "expires_in_days": 90, "token_cap": 500}
            ]
        }
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), Text]
    scopes: list[Scope] = Field(default=["read", "train", "predict"], min_length=1, max_length=3)
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = Field(
        default=None, description="null: it does not expire"
    )
    token_cap: Annotated[StrictInt, Field(ge=1, le=LARGEST_CAP)] | None = Field(
        default=None, description="the most tokens it may ever spend; null: no limit of its own"
    )

    def to_new_key(self, user_id: int) -> NewApiKey:
        days = self.expires_in_days
        expires_at = utc_now() + timedelta(days=days) if days is not None else None
        return NewApiKey(user_id, self.name, sorted(set(self.scopes)), self.token_cap, expires_at)


class ApiKeyView(BaseModel):
    id: int
    name: str
    prefix: str = Field(description="the first characters of the key, to recognise it by")
    scopes: Sequence[str]
    token_cap: int | None
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None = Field(description="to the minute")

    @classmethod
    def of(cls, key: StoredApiKey) -> Self:
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            scopes=key.scopes,
            token_cap=key.token_cap,
            expires_at=key.expires_at,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
        )


class NewApiKeyView(ApiKeyView):
    api_key: str = Field(description="shown this once")


class Exchange(StrictBody):
    api_key: Annotated[str, StringConstraints(min_length=1, max_length=200), Text]


class ExchangeView(BaseModel):
    access_token: str
    expires_in: int
