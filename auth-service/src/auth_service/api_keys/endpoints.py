"""API keys for their owners, and their exchange for access tokens by the gateway."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from auth_service.api_keys.repository import ApiKeyRepository
from auth_service.api_keys.service import ApiKeyService, NewApiKey, answers_scope
from auth_service.dependencies import Idempotent, OwnDatabase
from auth_service.errors import ApiKeyInvalid, ApiKeyNotFound, GroupNotFound, TooManyApiKeys
from auth_service.fields import Storable, StrictBody
from auth_service.models import StoredApiKey
from kit.app import strict_router
from kit.authentication import AccountOwner, CallingService
from kit.database import ReadSession, Session
from kit.errors import (
    Forbidden,
    IdempotencyKeyExpired,
    IdempotencyKeyReused,
    IdempotencyTwinRunning,
    Unauthenticated,
)
from kit.fields import RowId, RowIdInPath
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/api-keys", tags=["API keys"])
internal_router = strict_router("/internal/api-keys", tags=["internal"])

LONGEST_DAYS = 3650
LARGEST_CAP = 10**12


async def _api_keys(request: Request) -> ApiKeyService:
    return request.app.state.container.api_keys


ApiKeys = Annotated[ApiKeyService, Depends(_api_keys)]

Scope = Literal["read", "train", "predict"]


class ApiKeyRequest(StrictBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "nightly job", "scopes": ["predict"], "expires_in_days": 90, "token_cap": 500}
            ]
        }
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), Storable]
    scopes: list[Scope] = Field(default=["read", "train", "predict"], min_length=1, max_length=3)
    expires_in_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_DAYS)] | None = Field(
        default=None, description="null: the key does not expire"
    )
    token_cap: Annotated[StrictInt, Field(ge=1, le=LARGEST_CAP)] | None = Field(
        default=None, description="the most tokens that the key may ever spend; null: no limit"
    )

    group_id: RowId | None = Field(
        default=None, description="the group that pays for all work of the key; null: your default payer"
    )

    def to_new_key(self, user_id: int) -> NewApiKey:
        days = self.expires_in_days
        expires_at = datetime.now(UTC) + timedelta(days=days) if days is not None else None
        return NewApiKey(
            user_id, self.name, sorted(set(self.scopes)), self.token_cap, expires_at, self.group_id
        )


class ApiKeyView(BaseModel):
    id: int
    name: str
    prefix: str = Field(description="the first characters of the key, for recognition")
    scopes: Sequence[str]
    token_cap: int | None
    group_id: int | None = None
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
            group_id=key.group_id,
            expires_at=key.expires_at,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
        )


class NewApiKeyView(ApiKeyView):
    api_key: str = Field(description="the key itself; shown only in this response")


class StoredAnswer(BaseModel):
    """A first answer as stored, with the seed of the key in place of the key."""

    seed: str
    view: ApiKeyView


class Exchange(StrictBody):
    api_key: Annotated[str, StringConstraints(min_length=1, max_length=200), Storable]


class ExchangeView(BaseModel):
    access_token: str
    expires_in: int


@router.post(
    "",
    status_code=201,
    responses=documented(
        Unauthenticated,
        Forbidden,
        TooManyApiKeys,
        GroupNotFound,
        IdempotencyTwinRunning,
        IdempotencyKeyReused,
        IdempotencyKeyExpired,
    ),
)
async def create_api_key(
    body: ApiKeyRequest,
    caller: AccountOwner,
    api_keys: ApiKeys,
    database: OwnDatabase,
    idempotency: Idempotent,
) -> NewApiKeyView:
    """Create a key for a program. Only this response and its replays show the key."""
    async with (
        idempotency.claim(answers_scope(caller.user_id), body) as claim,
        database.transaction_of(caller.user_id) as session,
    ):
        if claim.first_answer is not None:
            answer = StoredAnswer.model_validate_json(claim.first_answer)
        else:
            key, seed = await api_keys.create(session, body.to_new_key(caller.user_id))
            answer = StoredAnswer(seed=seed, view=ApiKeyView.of(key))
            # Only the seed, because a key in the database could be stolen with a backup.
            await claim.keep(answer.model_dump_json().encode(), session=session)
    return NewApiKeyView(**answer.view.model_dump(), api_key=api_keys.reveal(answer.seed))


@router.get("", responses=documented(Unauthenticated, Forbidden))
async def list_api_keys(caller: AccountOwner, session: ReadSession, page: RequestedPage) -> Page[ApiKeyView]:
    """Your keys, newest first."""
    rows = await ApiKeyRepository(session).list_of(caller.user_id, page.before, page.fetch)
    return page.page_of(rows, ApiKeyView.of, lambda row: row.id)


@router.delete("/{key_id}", status_code=204, responses=documented(Unauthenticated, Forbidden, ApiKeyNotFound))
async def revoke_api_key(
    key_id: RowIdInPath, caller: AccountOwner, api_keys: ApiKeys, session: Session
) -> None:
    """Revoke a key; it stops working within seconds."""
    await api_keys.revoke(session, caller.user_id, key_id)


@internal_router.post("/exchange", responses=documented(ApiKeyInvalid))
async def exchange_api_key(
    body: Exchange, _service: CallingService, api_keys: ApiKeys, session: Session
) -> ExchangeView:
    """Exchange an API key for a short-lived access token."""
    token = await api_keys.exchange(session, body.api_key)
    return ExchangeView(access_token=token.text, expires_in=token.expires_in)
