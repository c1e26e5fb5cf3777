"""The decisions of the ledger: pure functions over books that were read under lock."""

from collections.abc import Sequence
from datetime import datetime

from billing_service.ledger import commands as ask
from billing_service.ledger import hold_rules, wallet_rules
from billing_service.ledger.books import Books
from kit.errors import ServiceError


def decide_all(batch: Sequence[ask.Movement], books: Books, now: datetime) -> list[ask.Outcome]:
    """Decide in order; each decision sees what those before it left."""
    return [_decide_or_refuse(movement, books, now) for movement in batch]


def _decide_or_refuse(movement: ask.Movement, books: Books, now: datetime) -> ask.Outcome:
    try:
        return decide(movement, books, now)
    except ServiceError as refusal:
        return refusal


def decide(movement: ask.Movement, books: Books, now: datetime) -> ask.Done:
    """Decide one movement; raises what it is refused with."""
    match movement:
        case ask.PlaceHold():
            return hold_rules.place_hold(movement, books, now)
        case ask.Settle():
            return hold_rules.settle(movement, books)
        case ask.Release():
            return hold_rules.release(movement, books)
        case ask.Extend():
            return hold_rules.extend(movement, books, now)
        case ask.Expire():
            return hold_rules.expire(movement, books, now)
        case ask.OpenWallet():
            return wallet_rules.open_wallet(movement, books)
        case ask.Grant():
            return wallet_rules.grant(movement, books)
        case ask.Buy():
            return wallet_rules.buy(movement, books)
        case ask.CloseWallet():
            return wallet_rules.close_wallet(movement, books, now)
