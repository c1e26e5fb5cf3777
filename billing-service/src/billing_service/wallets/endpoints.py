"""One's own wallet; for administrators, everyone's, and grants."""

from typing import Annotated
from uuid import uuid4

from fastapi import Query, Response

from billing_service.dependencies import OneLedger, Wallets
from billing_service.errors import WalletNotFound
from billing_service.fields import LARGEST_ID, PathId, Text
from billing_service.ledger.commands import Grant
from billing_service.wallets.schemas import GrantOrder, GrantView, UserView, WalletView
from kit.app import strict_router
from kit.authentication import Administrator, Reader
from kit.errors import Forbidden, Unauthenticated
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused
from kit.identity import UserId
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1", ["wallet"])
MinTokens = Annotated[int | None, Query(ge=0, le=LARGEST_ID, description="who can spend at least this")]
NamePart = Annotated[Text | None, Query(alias="q", max_length=200, description="part of the name")]


@router.get("/me/wallet", responses=documented(Unauthenticated, WalletNotFound))
async def show_wallet(caller: Reader, wallets: Wallets) -> WalletView:
    """How many tokens you have, and how many of them you can spend."""
    return WalletView.of(await wallets.get(caller.user_id))


@router.get("/users", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def list_users(
    _caller: Administrator,
    wallets: Wallets,
    page: RequestedPage,
    min_tokens: MinTokens = None,
    name_part: NamePart = None,
) -> Page[UserView]:
    """Users and their tokens, newest first."""
    rows = await wallets.list_owned(min_tokens, name_part, page.before, page.fetch)
    return page.page_of(rows, UserView.of_owned, lambda row: row.owner.user_id)


@router.post(
    "/users/{user_id}/grants",
    status_code=201,
    tags=["admin"],
    responses=documented(Unauthenticated, Forbidden, WalletNotFound, IdempotencyKeyReused),
)
async def grant_tokens(
    user_id: PathId,
    order: GrantOrder,
    caller: Administrator,
    ledger: OneLedger,
    response: Response,
    key: IdempotencyKey = None,
) -> GrantView:
    """Give a user tokens, and say why."""
    key = f"grant:{caller.user_id}:{key or uuid4().hex}"
    done = await ledger.credit(Grant(UserId(user_id), key, order.amount, order.reason, caller.user_id))
    if done.replayed:
        response.headers.update(REPLAYED)
    return GrantView(user_id=user_id, amount=done.tokens, available=done.available)
