"""API keys, for their owners; and their exchange, for the gateway."""

from typing import Annotated

from fastapi import Path

from auth_service.api_keys.schemas import ApiKeyOrder, ApiKeyView, Exchange, ExchangeView, NewApiKeyView
from auth_service.dependencies import ApiKeys, OncePerKey, Tokens
from auth_service.errors import ApiKeyInvalid, ApiKeyNotFound
from auth_service.first_answers import Answer
from kit.app import strict_router
from kit.authentication import AccountOwner, CallingService
from kit.errors import Forbidden, IdempotencyKeyReused, IdempotencyTwinRunning, Unauthenticated
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/api-keys", tags=["API keys"])
internal_router = strict_router("/internal/api-keys", tags=["internal"])


@router.post(
    "",
    status_code=201,
    responses=documented(Unauthenticated, Forbidden, IdempotencyTwinRunning, IdempotencyKeyReused),
)
async def make_api_key(
    order: ApiKeyOrder, caller: AccountOwner, api_keys: ApiKeys, once: OncePerKey
) -> NewApiKeyView:
    """Make a key for a program. It is shown only in this answer and in its retries."""

    async def work() -> Answer:
        made, seed = await api_keys.make(order.to_new_key(caller.user_id))
        return {"seed": seed, "view": ApiKeyView.of(made).model_dump(mode="json")}

    answer = await once.do(f"api-keys of {caller.user_id}", order.model_dump(), work)
    return NewApiKeyView(**answer["view"], api_key=api_keys.reveal(answer["seed"]))


@router.get("", responses=documented(Unauthenticated, Forbidden))
async def list_api_keys(caller: AccountOwner, api_keys: ApiKeys, page: RequestedPage) -> Page[ApiKeyView]:
    """Your keys, newest first."""
    rows = await api_keys.list_of(caller.user_id, page.before, page.fetch)
    return page.page_of(rows, ApiKeyView.of, lambda row: row.id)


@router.delete("/{key_id}", status_code=204, responses=documented(Unauthenticated, Forbidden, ApiKeyNotFound))
async def revoke_api_key(
    key_id: Annotated[int, Path(ge=1, le=2**63 - 1)], caller: AccountOwner, api_keys: ApiKeys
) -> None:
    """Revoke a key; it stops working within seconds."""
    await api_keys.revoke(caller.user_id, key_id)


@internal_router.post("/exchange", responses=documented(ApiKeyInvalid))
async def exchange_api_key(
    body: Exchange, _service: CallingService, api_keys: ApiKeys, tokens: Tokens
) -> ExchangeView:
    """A short-lived access token for an API key."""
    token = await api_keys.exchange(body.api_key, tokens)
    return ExchangeView(access_token=token.text, expires_in=token.expires_in)
