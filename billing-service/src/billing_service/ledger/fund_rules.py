"""Rules for pools and allowances: grants, issues, and the return of tokens at the end.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from collections.abc import Sequence
from datetime import datetime

from billing_service.errors import GroupNotFound
from billing_service.ledger.books import Books
from billing_service.ledger.commands import Issued, Returned
from billing_service.ledger.group_commands import (
    ClosePool,
    ExpireAllowance,
    IssueAllowances,
    ReturnAllowances,
)
from billing_service.ledger.rows import Allowance, House, Pool, ReturnKind, TransferDetails, Wallet


def open_pool_of(group_id: int, books: Books, now: datetime) -> Pool:
    pool = books.pool_of(group_id)
    if pool is None or pool.has_ended(now):
        raise GroupNotFound
    return pool


def issue_allowances(command: IssueAllowances, books: Books, now: datetime) -> Issued:
    """Transfer the amount of the rule to each member without an allowance for this period, or to none."""
    issue = books.issues.get((command.rule_id, command.period))
    pool = books.pool_of(command.group_id)
    if issue is None or pool is None or pool.has_ended(now) or command.expires_at <= now:
        return Issued(0, 0, 0)
    tokens = issue.amount * len(issue.missing)
    if tokens > pool.available:
        return Issued(0, 0, needed=tokens)
    key = f"allowance:{command.rule_id}:{command.period}"
    for user_id, account_id in issue.missing:
        allowance = Allowance(
            *(account_id, user_id, 0, 0),
            group_id=command.group_id,
            expires_at=command.expires_at,
            rule_id=command.rule_id,
            period=command.period,
        )
        details = TransferDetails("allowance", f"{key}:{user_id}", member_id=user_id)
        books.transfer(allowance, pool, -issue.amount, details)
        books.add_allowance(allowance)
    issued, issue.missing = len(issue.missing), []
    return Issued(issued, tokens, 0)


def expire_allowance(command: ExpireAllowance, books: Books, now: datetime) -> Returned:
    """Nothing changes before the end, or if the allowance was closed meanwhile."""
    account = books.wallets.get(command.account_id)
    if not isinstance(account, Pool) or not account.has_ended(now):
        return Returned(0)
    return Returned(drain(account, books, now))


def return_allowances(command: ReturnAllowances, books: Books, now: datetime) -> Returned:
    returned = 0
    for allowance in books.allowances_of(command.group_id, command.user_id):
        if not allowance.has_ended(now):
            _end(allowance, books, now)
        returned += drain(allowance, books, now, "allowance_returned")
    return Returned(returned)


def close_pool(command: ClosePool, books: Books, now: datetime) -> Returned:
    pool = books.pool_of(command.group_id)
    if pool is None:
        return Returned(0)
    if not pool.has_ended(now):
        _end(pool, books, now)
    return Returned(drain(pool, books, now))


def drain_all(accounts: Sequence[Wallet], books: Books, now: datetime) -> None:
    """Return what became available in accounts that have ended."""
    for account in accounts:
        if isinstance(account, Pool) and account.has_ended(now):
            drain(account, books, now)


def drain(fund: Pool, books: Books, now: datetime, kind: ReturnKind = "allowance_expired") -> int:
    """Move the available tokens of an ended fund on, and close it when none is held.

    An allowance returns them to its pool; those of a pool expire. Without the lock of the pool they stay
    until the next round of the scheduler.
    """
    tokens = fund.available
    if isinstance(fund, Allowance):
        pool = books.pool_of(fund.group_id)
        if pool is None:
            return 0
        if tokens > 0:
            details = TransferDetails(kind, f"{kind}:{fund.id}", member_id=fund.owner_id)
            books.transfer(fund, pool, tokens, details)
            if pool.has_ended(now):
                drain(pool, books, now)
    elif tokens > 0:
        books.debit(
            fund, House.EXPIRED, tokens, TransferDetails("pool_closed", f"pool_closed:{fund.group_id}")
        )
    if fund.held == 0 and fund.closed_at is None:
        fund.closed_at = now
        books.changes.wallets[fund.id] = fund
    return tokens


def _end(fund: Pool, books: Books, now: datetime) -> None:
    fund.expires_at = now
    books.changes.ended[fund.id] = fund
