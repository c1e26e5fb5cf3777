"""Wallet owners: users with their tokens, grants by administrators, and events from auth-service."""

from typing import Annotated
from uuid import uuid4

from fastapi import Body as JsonBody
from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from billing_service.errors import WalletNotFound
from billing_service.fields import GrantRequest
from billing_service.ledger.commands import GrantTokens
from billing_service.ledger.endpoints import LedgerDep
from billing_service.owners.events import OwnerEvents
from billing_service.owners.queries import OwnedWallet, list_owners
from billing_service.statements.schemas import WalletView
from kit.app import strict_router
from kit.authentication import Administrator, CallingService
from kit.database import ReadSession
from kit.errors import Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.fields import NotNegative, RowIdInPath, Text
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.identity import UserId
from kit.outbox import Event
from kit.pagination import Page, RequestedPage
from kit.problems import documented

LARGEST_DELIVERY = 1000

router = strict_router("/v1", ["wallet"])
internal_router = strict_router("/internal", ["between services"])


async def _owner_events(request: Request) -> OwnerEvents:
    return request.app.state.container.owner_events


OwnerEventsDep = Annotated[OwnerEvents, Depends(_owner_events)]
MinTokens = Annotated[NotNegative | None, Query(description="users with at least this many available tokens")]
NamePart = Annotated[Text | None, Query(alias="q", max_length=200, description="part of the name")]


class UserView(WalletView):
    id: int
    name: str
    role: str
    disabled: bool

    @classmethod
    def of_owned(cls, owned: OwnedWallet) -> "UserView":
        owner, wallet = owned
        tokens = WalletView.of(wallet).model_dump()
        return cls(id=owner.user_id, name=owner.name, role=owner.role, disabled=owner.disabled, **tokens)


class GrantView(BaseModel):
    user_id: int
    amount: int
    available: int


@router.get("/users", tags=["admin"], responses=documented(Unauthenticated, Forbidden))
async def list_users(
    _caller: Administrator,
    session: ReadSession,
    page: RequestedPage,
    min_tokens: MinTokens = None,
    name_part: NamePart = None,
) -> Page[UserView]:
    """List users and their tokens, newest first."""
    rows = await list_owners(session, min_tokens, name_part, page.before, limit=page.fetch)
    return page.page_of(rows, UserView.of_owned, lambda row: row.owner.user_id)


@router.post(
    "/users/{user_id}/grants",
    status_code=201,
    tags=["admin"],
    responses=documented(Unauthenticated, Forbidden, WalletNotFound, IdempotencyKeyReused),
)
async def grant_tokens(
    user_id: RowIdInPath,
    grant: GrantRequest,
    caller: Administrator,
    ledger: LedgerDep,
    response: Response,
    key: IdempotencyKey = None,
) -> GrantView:
    """Grant tokens to a user; the reason is stored in the ledger."""
    key = f"grant:{caller.user_id}:{key or uuid4().hex}"
    command = GrantTokens(UserId(user_id), key, grant.amount, grant.reason, caller.user_id)
    credited = await ledger.credit(command)
    if credited.replayed:
        response.headers.update(REPLAYED)
    return GrantView(user_id=user_id, amount=credited.tokens, available=credited.available)


@internal_router.post("/events", status_code=204, include_in_schema=False)
async def receive_events(
    events: Annotated[list[Event], JsonBody(max_length=LARGEST_DELIVERY)],
    _caller: CallingService,
    owner_events: OwnerEventsDep,
) -> None:
    """Apply events; a repeated delivery has no effect."""
    await owner_events.apply(events)
