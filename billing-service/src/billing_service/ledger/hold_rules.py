"""Rules for placing, settling, releasing, refunding, extending and expiring holds.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from datetime import datetime, timedelta

from billing_service.errors import HoldEnded, HoldNotFound, SettleAboveHold
from billing_service.ledger.books import Books, Hold, Receipt, Wallet, receipt_id_of
from billing_service.ledger.charge_rules import (
    price_for,
    require_affordable,
    require_time_left,
    reverse_charge,
    write_charge,
)
from billing_service.ledger.commands import (
    ExpireHold,
    Extended,
    ExtendHold,
    Held,
    PlaceHold,
    Refunded,
    RefundHold,
    Released,
    ReleaseHold,
    Settled,
    SettleHold,
    StillHeld,
    Work,
)
from kit.errors import IdempotencyKeyReused

# A hold that was refunded before it arrived: no input has this hash, and no wallet this id.
VOID = b""
NO_WALLET = 0


def hold_refund_key(hold: str) -> str:
    """The key of the refund's transfer and receipt; differs from that of a charge with the hold's key."""
    return f"refund_hold:{hold}"


def place_hold(command: PlaceHold, books: Books, now: datetime) -> Held:
    """Hold the price of the work before the work starts."""
    if (earlier := books.holds.get(command.key)) is not None:
        return _replay_hold(command, earlier)
    require_time_left(command, now)
    wallet = books.open_wallet_of(command.user_id)
    price = price_for(command, books, now)
    tokens = price.cost_of(command.units)
    require_affordable(command, tokens, wallet, books)
    books.change_held(wallet, tokens)
    if command.api_key is not None:
        books.add_key_usage(command.api_key.id, tokens)
    hold = Hold(
        key=command.key,
        input_hash=command.input_hash,
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
    write_charge(_receipt_of(hold, wallet), hold.key, wallet, books)
    books.end_hold(hold, wallet, "settled")
    return _settled(hold, wallet, replayed=False)


def release_hold(command: ReleaseHold, books: Books) -> Released:
    """Make the held tokens available again; an expired hold has none left."""
    hold, wallet = _find_hold(command.hold, books)
    if hold.state in ("settled", "refunded"):
        raise HoldEnded(hold.state)
    return _release(hold, wallet, books)


def refund_hold(command: RefundHold, books: Books, now: datetime) -> Refunded | Released:
    """End a hold so that its user has paid nothing: tokens that it was settled with are transferred back."""
    hold, wallet = books.holds.get(command.hold), books.wallet_of(command.user_id)
    if hold is None or hold.input_hash == VOID:
        return _void_hold(command, books, now)
    if wallet is None or wallet.id != hold.wallet_id:
        raise IdempotencyKeyReused
    if hold.state not in ("settled", "refunded"):
        return _release(hold, wallet, books)
    replayed = hold.state == "refunded"
    if not replayed:
        charge = _receipt_of(hold, wallet)._replace(api_key_id=hold.api_key_id)
        reverse_charge(charge, hold_refund_key(hold.key), wallet, books)
        hold.state, hold.ended_available = "refunded", wallet.available
        books.record_change(hold)
    work = Work(wallet.owner_id, hold.action, hold.resource)
    return Refunded(work, hold.settled_tokens or 0, hold.ended_available or 0, replayed)


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


def _replay_hold(command: PlaceHold, earlier: Hold) -> Held:
    """The first answer while the hold lasts; no work may start on a hold that has ended."""
    if earlier.input_hash != VOID and not command.repeats(earlier.input_hash):
        raise IdempotencyKeyReused
    if earlier.state != "held":
        raise HoldEnded(earlier.state)
    return Held(earlier.key, earlier.tokens, earlier.held_available, replayed=True)


def _release(hold: Hold, wallet: Wallet, books: Books) -> Released:
    replayed = hold.state != "held"
    if not replayed:
        books.end_hold(hold, wallet, "released")
    return _released(hold, wallet, replayed=replayed)


def _void_hold(command: RefundHold, books: Books, now: datetime) -> Refunded:
    """Add a released hold without tokens in place of the one that has not arrived."""
    wallet = books.wallet_of(command.user_id)
    wallet_id, available = (wallet.id, wallet.available) if wallet is not None else (NO_WALLET, 0)
    replayed = command.hold in books.holds
    if not replayed:
        books.add_hold(
            Hold(
                key=command.hold,
                input_hash=VOID,
                wallet_id=wallet_id,
                tokens=0,
                state="released",
                action="",
                units=0,
                resource=None,
                price_version=0,
                api_key_id=None,
                expires_at=now,
                held_available=available,
                ended_available=available,
            )
        )
    return Refunded(None, 0, available, replayed)


def _receipt_of(hold: Hold, wallet: Wallet) -> Receipt:
    """The receipt of a hold's settlement."""
    return Receipt(
        receipt_id_of(hold.key),
        wallet.owner_id,
        "charge",
        hold.settled_tokens or 0,
        hold.action,
        hold.units,
        hold.resource,
        hold.price_version,
    )


def _settled(hold: Hold, wallet: Wallet, *, replayed: bool) -> Settled:
    work = Work(wallet.owner_id, hold.action, hold.resource)
    return Settled(
        work, receipt_id_of(hold.key), hold.settled_tokens or 0, hold.ended_available or 0, replayed
    )


def _released(hold: Hold, wallet: Wallet, *, replayed: bool) -> Released:
    work = Work(wallet.owner_id, hold.action, hold.resource)
    return Released(work, hold.tokens, hold.ended_available or 0, replayed)
