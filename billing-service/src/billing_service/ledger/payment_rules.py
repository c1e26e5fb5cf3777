"""Rules of payment: who pays for work, and in which order."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from billing_service.errors import (
    GroupArchived,
    GroupNotFound,
    NotEnoughTokens,
    TokenCapReached,
)
from billing_service.ledger.books import Books, Payment
from billing_service.ledger.commands import KeyCap, PricedOperation
from billing_service.ledger.limit_rules import describe, require_within_limits
from billing_service.ledger.rows import Spender, Wallet, total_of


def payers_of(
    command: PricedOperation, group_id: int | None, wallet: Wallet, books: Books, now: datetime
) -> Sequence[Wallet]:
    """The accounts that can pay, in the order in which they are spent.

    Raises GroupNotFound for everybody but active members, and GroupArchived.
    """
    if group_id is None:
        return (wallet,)
    spender = books.spenders.get((group_id, command.user_id))
    if spender is None or spender.member_state != "active" or spender.group_state in (None, "deleted"):
        raise GroupNotFound
    if spender.group_state != "active":
        raise GroupArchived
    return list(in_order(spender, wallet, books, now))


def in_order(spender: Spender, wallet: Wallet, books: Books, now: datetime) -> Iterator[Wallet]:
    """The accounts that pay for a member's work, in the order in which they are spent."""
    for source in spender.pays_from or ():
        if source == "allowance":
            own = books.allowances_of(spender.group_id, spender.user_id)
            live = [allowance for allowance in own if not allowance.has_ended(now)]
            yield from sorted(live, key=lambda each: (each.expires_at or now, each.id))
        elif source == "own":
            yield wallet
        elif (pool := books.pool_of(spender.group_id)) is not None and not pool.has_ended(now):
            yield pool


def pay(
    command: PricedOperation, tokens: int, payers: Sequence[Wallet], books: Books, now: datetime
) -> list[Payment]:
    """The payment of each account; changes nothing.

    Raises NotEnoughTokens, SpendingLimitReached and TokenCapReached.
    """
    available = total_of(payers)
    if tokens > available:
        raise NotEnoughTokens(tokens, available, [describe(payer) for payer in payers])
    if books.limits:
        require_within_limits(command, tokens, payers, books, now)
    if command.api_key is not None:
        require_below_cap(command.api_key, tokens, books)
    return split(tokens, payers)


def split(tokens: int, payers: Sequence[Wallet]) -> list[Payment]:
    """Take the tokens from the first account, then from the next; none from accounts that are not needed."""
    if len(payers) == 1:
        return [Payment(payers[0], tokens)]
    payments: list[Payment] = []
    for payer in payers:
        share = min(tokens, payer.available)
        if share > 0:
            payments.append(Payment(payer, share))
            tokens -= share
    return payments


def require_below_cap(api_key: KeyCap, tokens: int, books: Books) -> None:
    """Raises TokenCapReached."""
    if api_key.token_cap is None:
        return
    left = api_key.token_cap - books.key_usage.get(api_key.id, 0)
    if tokens > left:
        raise TokenCapReached(tokens, max(left, 0))
