"""Rules of spending limits: the tokens that a group lets a member spend in a period."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from billing_service.errors import (
    ReachedLimit,
    SpendingLimitReached,
)
from billing_service.ledger.books import Books, LimitPeriod
from billing_service.ledger.commands import PricedOperation
from billing_service.ledger.rows import Allowance, Hold, Limit, Pool, Receipt, Wallet


def paying_group(command: PricedOperation, books: Books) -> int | None:
    """The group that pays: that of the command, or the user's default; None for the user's wallet."""
    if command.group_id is not None:
        return command.group_id
    return books.default_groups.get(command.user_id) if books.default_groups else None


def require_within_limits(
    command: PricedOperation, tokens: int, payers: Sequence[Wallet], books: Books, now: datetime
) -> None:
    """Raises SpendingLimitReached for the limit that leaves the least."""
    if (group_id := paying_group(command, books)) is None:
        return
    key = command.api_key.id if command.api_key else None
    work = (command.user_id, command.context, key)
    left: list[tuple[int, Limit, int]] = []
    for limit in limits_of(books.limits.get(group_id, ()), work, now):
        used = books.limit_usage.get(_period_of(limit, command.user_id, now), 0)
        if used + tokens > limit.amount:
            left.append((limit.amount - used, limit, used))
    if left:
        _, limit, used = min(left, key=lambda each: (each[0], each[1].id))
        resets_at = limit.calendar.start_of(limit.calendar.period_at(now) + 1)
        reached = ReachedLimit(
            scope=scope_of(limit),
            amount=limit.amount,
            used=used,
            resets_at=resets_at.isoformat() if resets_at else None,
        )
        raise SpendingLimitReached(tokens, reached, [describe(payer) for payer in payers])


def limits_of(
    limits: Sequence[Limit], work: tuple[int, str | None, int | None], moment: datetime
) -> Iterator[Limit]:
    """The limits that count work of this user, context and API key, begun at this moment."""
    user_id, context, api_key_id = work
    for limit in limits:
        is_meant = limit.user_id in (None, user_id) and limit.context in (None, context)
        if is_meant and limit.api_key_id in (None, api_key_id) and limit.created_at <= moment:
            yield limit


def count_in_limits(of: Hold | Receipt, user_id: int, tokens: int, books: Books) -> None:
    """Count tokens of the work, or fewer of them, in the periods in which it began."""
    if of.group_id is None or of.created_at is None or tokens == 0:
        return
    for period in limit_periods(of, user_id, books.limits.get(of.group_id, ())):
        books.add_limit_usage(period, tokens)


def limit_periods(of: Hold | Receipt, user_id: int, limits: Sequence[Limit]) -> Iterator[LimitPeriod]:
    """The periods of limits in which the work counts."""
    if of.created_at is not None:
        work = (user_id, of.context, of.api_key_id)
        for limit in limits_of(limits, work, of.created_at):
            yield _period_of(limit, user_id, of.created_at)


def scope_of(limit: Limit) -> str:
    if limit.api_key_id is not None:
        return "api_key"
    return "member" if limit.context is None else "context"


def _period_of(limit: Limit, user_id: int, moment: datetime) -> LimitPeriod:
    return limit.id, user_id, limit.calendar.period_at(moment)


def describe(payer: Wallet) -> dict[str, object]:
    """A payer in a refusal, as JSON."""
    kind = "allowance" if isinstance(payer, Allowance) else "pool" if isinstance(payer, Pool) else "own"
    expires_at = payer.expires_at.isoformat() if isinstance(payer, Allowance) and payer.expires_at else None
    balance = {"available": payer.available, "held": payer.held}
    return {"kind": kind, "account": payer.name, **balance, "expires_at": expires_at}
