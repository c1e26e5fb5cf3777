"""Payers of a user: the accounts that pay, and the group that pays by default."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.caches import PayerCache
from billing_service.calendar_rules import Clock
from billing_service.errors import GroupNotFound, WalletNotFound
from billing_service.groups import queries
from billing_service.groups.access_queries import find_group, require_member
from billing_service.groups.rule_queries import list_active_rules
from billing_service.groups.scheduler import schedule_of
from billing_service.groups.schemas import Funds, Payer, PayerView
from billing_service.ledger.books import Books
from billing_service.ledger.payment_rules import in_order
from billing_service.ledger.rows import Spender, Wallet
from kit.app import strict_router
from kit.authentication import AccountOwner, Reader
from kit.database import ReadSession, Session, after_commit
from kit.errors import Forbidden, Unauthenticated
from kit.fields import LARGEST_ID, NotNegative
from kit.identity import Caller
from kit.problems import documented

router = strict_router("/v1/me", ["wallet"])


async def _clock(request: Request) -> Clock:
    return request.app.state.container.clock


async def _payer_cache(request: Request) -> PayerCache:
    return request.app.state.container.payer_cache


ClockDep = Annotated[Clock, Depends(_clock)]
PayerCacheDep = Annotated[PayerCache, Depends(_payer_cache)]
GroupIdInQuery = Annotated[
    NotNegative | None, Query(le=LARGEST_ID, description="by default the payer of PUT /v1/me/payer")
]


@router.get("/funds", responses=documented(Unauthenticated, GroupNotFound, WalletNotFound))
async def show_funds(
    caller: Reader, session: ReadSession, clock: ClockDep, group_id: GroupIdInQuery = None
) -> Funds:
    """The accounts that pay for your work, in the order in which they are spent."""
    now = clock()
    if group_id is None:
        group_id = await queries.get_default_group(session, caller.user_id)
    payers = await _list_payers(session, caller, group_id, now)
    renews_at = await _next_allowance(session, group_id, now) if group_id is not None else None
    return Funds(group_id=group_id, payers=[PayerView.of(payer) for payer in payers], renews_at=renews_at)


@router.put("/payer", responses=documented(Unauthenticated, Forbidden, GroupNotFound, WalletNotFound))
async def set_payer(payer: Payer, caller: AccountOwner, session: Session, cache: PayerCacheDep) -> Payer:
    """Set the group that pays for requests that name none; null for your own wallet."""
    if payer.group_id is not None:
        access = await require_member(session, payer.group_id, caller)
        if access.role is None:
            raise GroupNotFound
    await queries.set_default_group(session, caller.user_id, payer.group_id)
    # The notification reaches this replica, too, but some milliseconds after the response.
    after_commit(session, cache.forget_now)
    return payer


async def _list_payers(
    session: AsyncSession, caller: Caller, group_id: int | None, now: datetime
) -> Sequence[Wallet]:
    books = Books(await queries.list_funds(session, caller.user_id, group_id), {})
    wallet = books.open_wallet_of(caller.user_id)
    if group_id is None:
        return [wallet]
    access = await require_member(session, group_id, caller)
    if access.role is None:
        raise GroupNotFound
    group = access.group
    spender = Spender(group_id, caller.user_id, group.state, "active", group.pays_from, has_limits=False)
    return list(in_order(spender, wallet, books, now))


async def _next_allowance(session: AsyncSession, group_id: int, now: datetime) -> datetime | None:
    group = await find_group(session, group_id)
    if "allowance" not in group.pays_from:
        return None
    rules = await list_active_rules(session, group_id)
    starts = [schedule_of(rule, group.time_zone).next_start(now) for rule in rules]
    return min((start for start in starts if start is not None), default=None)
