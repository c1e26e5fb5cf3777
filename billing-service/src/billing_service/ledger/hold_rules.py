"""Rules for placing, settling, releasing, extending and expiring holds.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from datetime import datetime, timedelta

from billing_service.errors import HoldEnded, HoldNotFound, SettleAboveHold
from billing_service.ledger.books import Books, Hold, Receipt, Wallet, receipt_id_of
from billing_service.ledger.charge_rules import price_for, require_affordable, write_charge
from billing_service.ledger.commands import (
    ExpireHold,
    Extended,
    ExtendHold,
    Held,
    PlaceHold,
    Released,
    ReleaseHold,
    Settled,
    SettleHold,
    StillHeld,
    Work,
)
from kit.errors import IdempotencyKeyReused


def place_hold(command: PlaceHold, books: Books, now: datetime) -> Held:
    """Hold the price of the work before the work starts."""
    input_hash = command.input_hash
    earlier = books.holds.get(command.key)
    if earlier is not None:
        if earlier.input_hash != input_hash:
            raise IdempotencyKeyReused
        return Held(earlier.key, earlier.tokens, earlier.held_available, replayed=True)
    wallet = books.open_wallet_of(command.user_id)
    price = price_for(command, books, now)
    tokens = price.cost_of(command.units)
    require_affordable(command, tokens, wallet, books)
    books.change_held(wallet, tokens)
    if command.api_key is not None:
        books.add_key_usage(command.api_key.id, tokens)
    hold = Hold(
        key=command.key,
        input_hash=input_hash,
        wallet_id=wallet.id,
        tokens=tokens,
        state="held",
        action=command.action,
        units=command.units,
        resource=command.resource,
        price_version=price.version,
        api_key_id=command.api_key.id if command.api_key else None,
        expires_at=now + timedelta(seconds=command.ttl_seconds),
        held_available=wallet.available,
    )
    books.add_hold(hold)
    return Held(hold.key, tokens, wallet.available, replayed=False)


def settle_hold(command: SettleHold, books: Books) -> Settled:
    """Charge at most the held tokens; the rest becomes available again."""
    hold, wallet = _find_hold(command.hold, books)
    if hold.state == "settled":
        return _settled(hold, wallet, replayed=True)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    tokens = hold.tokens if command.tokens is None else command.tokens
    if tokens > hold.tokens:
        raise SettleAboveHold(hold.tokens)
    # Some resources exist only now, such as the model that a training creates.
    hold.resource = command.resource or hold.resource
    hold.settled_tokens = tokens
    receipt = Receipt(
        receipt_id_of(hold.key),
        wallet.owner_id,
        "charge",
        tokens,
        hold.action,
        hold.units,
        hold.resource,
        hold.price_version,
    )
    write_charge(receipt, hold.key, wallet, books)
    books.end_hold(hold, wallet, "settled")
    return _settled(hold, wallet, replayed=False)


def release_hold(command: ReleaseHold, books: Books) -> Released:
    """Make the held tokens available again; an expired hold has none left."""
    hold, wallet = _find_hold(command.hold, books)
    if hold.state == "settled":
        raise HoldEnded(hold.state)
    replayed = hold.state != "held"
    if not replayed:
        books.end_hold(hold, wallet, "released")
    return _released(hold, wallet, replayed=replayed)


def extend_hold(command: ExtendHold, books: Books, now: datetime) -> Extended:
    """Replace the time to live of a hold, counted from now."""
    hold, _ = _find_hold(command.hold, books)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    hold.expires_at = now + timedelta(seconds=command.ttl_seconds)
    books.record_change(hold)
    return Extended(hold.expires_at)


def expire_hold(command: ExpireHold, books: Books, now: datetime) -> Released | StillHeld:
    """Release a hold whose time to live has passed, unless it has ended or been extended meanwhile."""
    hold, wallet = _find_hold(command.hold, books)
    if hold.state != "held" or hold.expires_at > now:
        return StillHeld()
    books.end_hold(hold, wallet, "expired")
    return _released(hold, wallet, replayed=False)


def _find_hold(key: str, books: Books) -> tuple[Hold, Wallet]:
    hold = books.holds.get(key)
    # A hold placed after the locks were taken may belong to a wallet that this batch has not locked.
    wallet = books.wallets.get(hold.wallet_id) if hold is not None else None
    if hold is None or wallet is None:
        raise HoldNotFound
    return hold, wallet


def _settled(hold: Hold, wallet: Wallet, *, replayed: bool) -> Settled:
    work = Work(wallet.owner_id, hold.action, hold.resource)
    return Settled(
        work, receipt_id_of(hold.key), hold.settled_tokens or 0, hold.ended_available or 0, replayed
    )


def _released(hold: Hold, wallet: Wallet, *, replayed: bool) -> Released:
    work = Work(wallet.owner_id, hold.action, hold.resource)
    return Released(work, hold.tokens, hold.ended_available or 0, replayed)
