"""Budgets of groups: the pool, its grants, and its statements for staff and members."""

from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Query, Request, Response

from billing_service.errors import GroupNotFound
from billing_service.fields import GrantRequest
from billing_service.groups import queries
from billing_service.groups.access_queries import require_member, require_owner
from billing_service.groups.scheduler import Scheduler
from billing_service.groups.schemas import GroupEntryView, GroupGrantView, GroupWallet, Payment
from billing_service.ledger.endpoints import LedgerDep
from billing_service.ledger.group_commands import GrantToPool
from billing_service.statements.endpoints import CostlyReadsDep, Since, Until
from billing_service.statements.queries import (
    Entry,
    GroupByInGroup,
    UsageQuery,
    entries_of_group,
    list_entries,
    sum_usage,
)
from billing_service.statements.schemas import EntryView, UsageReport, UsageView, WalletView
from kit.app import strict_router
from kit.authentication import AccountOwner, Administrator, Reader
from kit.database import ReadSession, Session
from kit.errors import DeadlinePassed, Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.pagination import Page, RequestedPage
from kit.problems import documented

router = strict_router("/v1/groups/{group_id}", ["groups"])


async def _scheduler(request: Request) -> Scheduler:
    return request.app.state.container.scheduler


SchedulerDep = Annotated[Scheduler, Depends(_scheduler)]


@router.get("/wallet", responses=documented(Unauthenticated, GroupNotFound))
async def show_group_wallet(group_id: RowIdInPath, caller: Reader, session: ReadSession) -> GroupWallet:
    """Tokens of the pool and of allowances: of all members for staff, else your own."""
    access = await require_member(session, group_id, caller)
    member_id = None if access.is_staff else caller.user_id
    sees_pool = access.is_staff or "pool" in access.group.pays_from
    pool = await queries.sum_funds(session, group_id, queries.IS_POOL) if sees_pool else None
    allowances = await queries.sum_funds(session, group_id, queries.IS_ALLOWANCE, member_id)
    return GroupWallet(
        group_id=group_id,
        pays_from=access.group.pays_from,  # pyright: ignore[reportArgumentType] - pydantic checks
        pool=_tokens(*pool) if pool else None,
        allowances=_tokens(*allowances),
    )


@router.get("/ledger", responses=documented(Unauthenticated, GroupNotFound))
async def list_group_entries(
    group_id: RowIdInPath, caller: Reader, session: ReadSession, page: RequestedPage
) -> Page[GroupEntryView]:
    """Transfers of the group's accounts, newest first: all for staff, else those that concern you."""
    access = await require_member(session, group_id, caller)
    conditions = entries_of_group(group_id, None if access.is_staff else caller.user_id)
    rows = await list_entries(session, page.before, page.fetch, *conditions)
    return page.page_of(rows, _entry, lambda entry: entry.transfer.id)


@router.get("/usage", responses=documented(Unauthenticated, GroupNotFound, DeadlinePassed))
async def show_group_usage(
    group_id: RowIdInPath,
    caller: Reader,
    reads: CostlyReadsDep,
    group_by: Annotated[GroupByInGroup, Query()] = "day",
    since: Since = None,
    until: Until = None,
) -> UsageReport:
    """Charges that the group paid, summed: of all members for staff, else your own; at most 1,000 groups."""
    async with reads.session(caller.user_id) as session:
        access = await require_member(session, group_id, caller)
        user_id = None if access.is_staff else caller.user_id
        usage = await sum_usage(session, UsageQuery(group_by, since, until, user_id, group_id))
    return UsageReport(items=[UsageView.model_validate(group) for group in usage])


@router.post(
    "/grants",
    status_code=201,
    tags=["admin"],
    responses=documented(Unauthenticated, Forbidden, GroupNotFound, IdempotencyKeyReused),
)
async def grant_to_group(
    group_id: RowIdInPath,
    grant: GrantRequest,
    caller: Administrator,
    ledger: LedgerDep,
    scheduler: SchedulerDep,
    response: Response,
    key: IdempotencyKey = None,
) -> GroupGrantView:
    """Grant tokens to the pool of a group; the reason is stored in the ledger.

    Allowances that waited for them are issued at once.
    """
    key = f"grant:{caller.user_id}:{key or uuid4().hex}"
    command = GrantToPool(group_id, key, grant.amount, grant.reason, caller.user_id)
    credited = await ledger.credit(command)
    if credited.replayed:
        response.headers.update(REPLAYED)
    await scheduler.run_soon(group_id)
    return GroupGrantView(group_id=group_id, amount=credited.tokens, available=credited.available)


@router.put("/payment", responses=documented(Unauthenticated, Forbidden, GroupNotFound))
async def set_payment(
    group_id: RowIdInPath, payment: Payment, caller: AccountOwner, session: Session
) -> Payment:
    """Set the accounts that pay for the group's work, in the order in which they are spent.

    `own` is each member's wallet: it pays only if it is named.
    """
    group = await require_owner(session, group_id, caller)
    group.pays_from = list(payment.pays_from)
    return payment


def _tokens(tokens: int, held: int) -> WalletView:
    return WalletView(tokens=tokens, held=held, available=tokens - held)


def _entry(entry: Entry) -> GroupEntryView:
    view = EntryView.of(*entry).model_dump()
    return GroupEntryView(**view, context=entry.transfer.context, user_id=entry.transfer.member_id)
