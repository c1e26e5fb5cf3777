"""Rules of the ledger: pure functions that decide commands on books read under lock."""

from collections.abc import Sequence
from datetime import datetime

from billing_service.ledger.books import Books
from billing_service.ledger.charge_rules import charge_tokens, refund_charge
from billing_service.ledger.commands import (
    BuyTokens,
    ChargeTokens,
    CloseWallet,
    Command,
    ExpireHold,
    ExtendHold,
    GrantTokens,
    OpenWallet,
    Outcome,
    PlaceHold,
    PricedOperation,
    RefundCharge,
    RefundHold,
    ReleaseHold,
    SettleHold,
    Success,
)
from billing_service.ledger.fund_rules import (
    close_pool,
    expire_allowance,
    issue_allowances,
    return_allowances,
)
from billing_service.ledger.group_commands import (
    ClosePool,
    ExpireAllowance,
    GrantToPool,
    IssueAllowances,
    ReturnAllowances,
)
from billing_service.ledger.hold_rules import (
    expire_hold,
    extend_hold,
    place_hold,
    refund_hold,
    release_hold,
    settle_hold,
)
from billing_service.ledger.wallet_rules import (
    buy_tokens,
    close_wallet,
    grant_to_pool,
    grant_tokens,
    open_wallet,
)
from kit.errors import DeadlinePassed, ServiceError


def decide_all(
    batch: Sequence[Command], books: Books, now: datetime, *, is_abandoned: bool = False
) -> list[Outcome]:
    """Decide commands in order; a decision sees the changes of all earlier ones.

    A caller who has left pays for nothing new, but its settlements, releases and refunds still count.
    """
    if is_abandoned:
        return [
            DeadlinePassed()
            if isinstance(command, PricedOperation)
            else _decide_or_refuse(command, books, now)
            for command in batch
        ]
    return [_decide_or_refuse(command, books, now) for command in batch]


def _decide_or_refuse(command: Command, books: Books, now: datetime) -> Outcome:
    try:
        return decide(command, books, now)
    except ServiceError as refusal:
        return refusal


def decide(command: Command, books: Books, now: datetime) -> Success:
    """Apply one command to the books; raises ServiceError for a refusal."""
    match command:
        case ChargeTokens():
            return charge_tokens(command, books, now)
        case RefundCharge():
            return refund_charge(command, books, now)
        case PlaceHold():
            return place_hold(command, books, now)
        case RefundHold():
            return refund_hold(command, books, now)
        case SettleHold():
            return settle_hold(command, books, now)
        case ReleaseHold():
            return release_hold(command, books, now)
        case ExtendHold():
            return extend_hold(command, books, now)
        case ExpireHold():
            return expire_hold(command, books, now)
        case OpenWallet():
            return open_wallet(command, books)
        case GrantTokens():
            return grant_tokens(command, books)
        case BuyTokens():
            return buy_tokens(command, books, now)
        case CloseWallet():
            return close_wallet(command, books, now)
        case GrantToPool():
            return grant_to_pool(command, books, now)
        case IssueAllowances():
            return issue_allowances(command, books, now)
        case ExpireAllowance():
            return expire_allowance(command, books, now)
        case ReturnAllowances():
            return return_allowances(command, books, now)
        case ClosePool():
            return close_pool(command, books, now)
