"""How holds are placed, settled, released, extended and expired.

Each rule raises before it changes anything, so that a refusal leaves the books as they were.
"""

from datetime import datetime, timedelta

from billing_service.errors import (
    HoldEnded,
    HoldNotFound,
    NotEnoughTokens,
    QuoteExpired,
    QuoteNotFound,
    SettleAboveHold,
    TokenCapReached,
)
from billing_service.ledger import commands as ask
from billing_service.ledger.books import Books, Hold, House, Receipt, Wallet, Why, receipt_id_of
from billing_service.prices.rules import Price
from kit.idempotency import IdempotencyKeyReused


def place_hold(order: ask.PlaceHold, books: Books, now: datetime) -> ask.Held:
    """Set the price of the work aside, before the work starts."""
    input_hash = order.input_hash
    known = books.holds.get(order.key)
    if known is not None:
        if known.input_hash != input_hash:
            raise IdempotencyKeyReused
        return ask.Held(known.key, known.tokens, known.held_available, replayed=True)
    wallet = books.open_wallet_of(order.user_id)
    price = _price_for(order, books, now)
    tokens = price.cost_of(order.units)
    _require_affordable(order, tokens, wallet, books)
    books.hold_back(wallet, tokens)
    if order.api_key is not None:
        books.use_allowance(order.api_key.id, tokens)
    hold = Hold(
        key=order.key,
        input_hash=input_hash,
        wallet_id=wallet.id,
        tokens=tokens,
        state="held",
        action=order.action,
        units=order.units,
        resource=order.resource,
        price_version=price.version,
        api_key_id=order.api_key.id if order.api_key else None,
        expires_at=now + timedelta(seconds=order.ttl_seconds),
        held_available=wallet.available,
    )
    books.add_hold(hold)
    return ask.Held(hold.key, tokens, wallet.available, replayed=False)


def settle(order: ask.Settle, books: Books) -> ask.Settled:
    """Charge at most what was held; the rest becomes available again."""
    hold, wallet = _find_hold(order.hold, books)
    if hold.state == "settled":
        return _settled(hold, wallet, replayed=True)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    tokens = hold.tokens if order.tokens is None else order.tokens
    if tokens > hold.tokens:
        raise SettleAboveHold(hold.tokens)
    hold.resource = order.resource or hold.resource
    hold.settled_tokens = tokens
    _charge(hold, wallet, tokens, books)
    books.end_hold(hold, wallet, "settled")
    return _settled(hold, wallet, replayed=False)


def release(order: ask.Release, books: Books) -> ask.Released:
    """Give back what was held; after an expiry there is nothing left to give."""
    hold, wallet = _find_hold(order.hold, books)
    if hold.state == "settled":
        raise HoldEnded(hold.state)
    replayed = hold.state != "held"
    if not replayed:
        books.end_hold(hold, wallet, "released")
    return _released(hold, wallet, replayed=replayed)


def extend(order: ask.Extend, books: Books, now: datetime) -> ask.Extended:
    """Let a hold live for so long from now."""
    hold, _ = _find_hold(order.hold, books)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    hold.expires_at = now + timedelta(seconds=order.ttl_seconds)
    books.note_hold(hold)
    return ask.Extended(hold.expires_at)


def expire(order: ask.Expire, books: Books, now: datetime) -> ask.Released | ask.StillHeld:
    """Release a hold whose time is over, unless it was ended or extended meanwhile."""
    hold, wallet = _find_hold(order.hold, books)
    if hold.state != "held" or hold.expires_at > now:
        return ask.StillHeld()
    books.end_hold(hold, wallet, "expired")
    return _released(hold, wallet, replayed=False)


def _find_hold(key: str, books: Books) -> tuple[Hold, Wallet]:
    hold = books.holds.get(key)
    # A hold placed after the wallets were locked has a wallet that is not ours to change.
    wallet = books.wallets.get(hold.wallet_id) if hold is not None else None
    if hold is None or wallet is None:
        raise HoldNotFound
    return hold, wallet


def _price_for(order: ask.PlaceHold, books: Books, now: datetime) -> Price:
    if order.quote_id is None:
        return books.prices[order.action]
    quote = books.quotes.get(order.quote_id)
    if quote is None or quote.user_id != order.user_id or quote.price.action != order.action:
        raise QuoteNotFound
    if quote.expires_at <= now:
        raise QuoteExpired
    return quote.price


def _require_affordable(order: ask.PlaceHold, tokens: int, wallet: Wallet, books: Books) -> None:
    if tokens > wallet.available:
        raise NotEnoughTokens(tokens, wallet.available)
    if order.api_key is None or order.api_key.token_cap is None:
        return
    left = order.api_key.token_cap - books.allowances.get(order.api_key.id, 0)
    if tokens > left:
        raise TokenCapReached(tokens, max(left, 0))


def _charge(hold: Hold, wallet: Wallet, tokens: int, books: Books) -> None:
    receipt_id = receipt_id_of(hold.key)
    if tokens > 0:
        why = Why("charge", hold.key, hold.action, hold.resource, hold.price_version, receipt_id)
        books.debit(wallet, House.REVENUE, tokens, why)
    receipt = Receipt(
        id=receipt_id,
        owner_id=wallet.owner_id,
        kind="charge",
        tokens=tokens,
        action=hold.action,
        units=hold.units,
        resource=hold.resource,
        price_version=hold.price_version,
    )
    books.changes.receipts.append(receipt)


def _settled(hold: Hold, wallet: Wallet, *, replayed: bool) -> ask.Settled:
    work = ask.Work(wallet.owner_id, hold.action, hold.resource)
    return ask.Settled(
        work, receipt_id_of(hold.key), hold.settled_tokens or 0, hold.ended_available or 0, replayed
    )


def _released(hold: Hold, wallet: Wallet, *, replayed: bool) -> ask.Released:
    work = ask.Work(wallet.owner_id, hold.action, hold.resource)
    return ask.Released(work, hold.tokens, hold.ended_available or 0, replayed)
