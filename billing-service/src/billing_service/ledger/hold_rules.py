"""Rules for placing, settling, releasing, refunding, extending and expiring holds.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from billing_service.errors import HoldEnded, HoldNotFound, SettleAboveHold
from billing_service.ledger.books import Books, Payment
from billing_service.ledger.charge_rules import (
    price_for,
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
from billing_service.ledger.fund_rules import drain_all
from billing_service.ledger.limit_rules import count_in_limits, paying_group
from billing_service.ledger.payment_rules import pay, payers_of
from billing_service.ledger.rows import Hold, HoldState, Part, Receipt, Wallet, receipt_id_of, total_of
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
    group_id = paying_group(command, books)
    payers = payers_of(command, group_id, wallet, books, now)
    payments = pay(command, tokens, payers, books, now)
    for account, share in payments:
        books.change_held(account, share)
    if command.api_key is not None:
        books.add_key_usage(command.api_key.id, tokens)
    hold = Hold(
        key=command.key,
        input_hash=command.input_hash,
        wallet_id=wallet.id if group_id is None else None,
        tokens=tokens,
        state="held",
        action=command.action,
        units=command.units,
        resource=command.resource,
        price_version=price.version,
        api_key_id=command.api_key.id if command.api_key else None,
        expires_at=now + timedelta(seconds=command.ttl_seconds),
        held_available=total_of(payers),
        context=command.context,
    )
    if group_id is not None:
        hold.group_id, hold.member_id, hold.created_at = group_id, wallet.owner_id, now
        hold.parts = [Part(account.id, share) for account, share in payments if share > 0]
        count_in_limits(hold, wallet.owner_id, tokens, books)
    books.add_hold(hold)
    return Held(hold.key, tokens, hold.held_available, replayed=False)


def settle_hold(command: SettleHold, books: Books, now: datetime) -> Settled:
    """Charge at most the held tokens; the rest becomes available again."""
    hold, accounts = _find_hold(command.hold, books)
    if hold.state == "settled":
        return _settled(hold, books, replayed=True)
    if hold.state != "held":
        raise HoldEnded(hold.state)
    tokens = hold.tokens if command.tokens is None else command.tokens
    if tokens > hold.tokens:
        raise SettleAboveHold(hold.tokens)
    # Some resources exist only now, such as the model that a training creates.
    hold.resource = command.resource or hold.resource
    hold.settled_tokens = tokens
    write_charge(_receipt_of(hold, books, None), hold.key, _settle_parts(hold, tokens, accounts), books)
    _end_hold(hold, accounts, "settled", books, now)
    return _settled(hold, books, replayed=False)


def release_hold(command: ReleaseHold, books: Books, now: datetime) -> Released:
    """Make the held tokens available again; an expired hold has none left."""
    hold, accounts = _find_hold(command.hold, books)
    if hold.state in ("settled", "refunded"):
        raise HoldEnded(hold.state)
    return _release(hold, accounts, books, now)


def refund_hold(command: RefundHold, books: Books, now: datetime) -> Refunded | Released:
    """End a hold so that its user has paid nothing: tokens that it was settled with are transferred back."""
    hold = books.holds.get(command.hold)
    if hold is None or hold.input_hash == VOID:
        return _void_hold(command, books, now)
    if (accounts := books.accounts_of_hold(hold)) is None or owner_of(hold, books) != command.user_id:
        raise IdempotencyKeyReused
    if hold.state not in ("settled", "refunded"):
        return _release(hold, accounts, books, now)
    replayed = hold.state == "refunded"
    if not replayed:
        charge = _receipt_of(hold, books, hold.created_at)._replace(api_key_id=hold.api_key_id)
        shares = [part.settled_tokens or 0 for part in hold.paid_from()]
        paid = [Payment(account, share) for account, share in zip(accounts, shares, strict=True)]
        reverse_charge(charge, hold_refund_key(hold.key), paid, books, now)
        hold.state, hold.ended_available = "refunded", sum(account.available for account in accounts)
        books.record_change(hold)
    work = Work(owner_of(hold, books), hold.action, hold.resource)
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
    hold, accounts = _find_hold(command.hold, books)
    if hold.state != "held" or hold.expires_at > now:
        return StillHeld()
    _end_hold(hold, accounts, "expired", books, now)
    return _released(hold, books, replayed=False)


def owner_of(hold: Hold, books: Books) -> int:
    """The user who placed the hold; its accounts are locked."""
    if hold.wallet_id is None:
        return hold.member_id or 0
    return books.wallets[hold.wallet_id].owner_id


def _settle_parts(hold: Hold, tokens: int, accounts: Sequence[Wallet]) -> list[Payment]:
    """Spend the parts of a hold in their order."""
    if hold.wallet_id is not None:
        return [Payment(accounts[0], tokens)]
    payments: list[Payment] = []
    for account, part in zip(accounts, hold.parts, strict=True):
        part.settled_tokens = min(tokens, part.tokens)
        tokens -= part.settled_tokens
        payments.append(Payment(account, part.settled_tokens))
    return payments


def _end_hold(hold: Hold, accounts: Sequence[Wallet], state: HoldState, books: Books, now: datetime) -> None:
    books.end_hold(hold, accounts, state)
    if hold.group_id is not None:
        count_in_limits(hold, owner_of(hold, books), (hold.settled_tokens or 0) - hold.tokens, books)
        drain_all(accounts, books, now)


def _find_hold(key: str, books: Books) -> tuple[Hold, Sequence[Wallet]]:
    """The hold and the account of each part."""
    hold = books.holds.get(key)
    # A hold placed after the locks were taken may belong to a wallet that this batch has not locked.
    accounts = books.accounts_of_hold(hold) if hold is not None else None
    if hold is None or accounts is None:
        raise HoldNotFound
    return hold, accounts


def _replay_hold(command: PlaceHold, earlier: Hold) -> Held:
    """The first answer while the hold lasts; no work may start on a hold that has ended."""
    if earlier.input_hash != VOID and not command.repeats(earlier.input_hash):
        raise IdempotencyKeyReused
    if earlier.state != "held":
        raise HoldEnded(earlier.state)
    return Held(earlier.key, earlier.tokens, earlier.held_available, replayed=True)


def _release(hold: Hold, accounts: Sequence[Wallet], books: Books, now: datetime) -> Released:
    replayed = hold.state != "held"
    if not replayed:
        _end_hold(hold, accounts, "released", books, now)
    return _released(hold, books, replayed=replayed)


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


def _receipt_of(hold: Hold, books: Books, created_at: datetime | None) -> Receipt:
    """The receipt of a hold's settlement; limits count it at the time of the hold."""
    return Receipt(
        receipt_id_of(hold.key),
        owner_of(hold, books),
        "charge",
        hold.settled_tokens or 0,
        hold.action,
        hold.units,
        hold.resource,
        hold.price_version,
        group_id=hold.group_id,
        context=hold.context,
        created_at=created_at,
    )


def _settled(hold: Hold, books: Books, *, replayed: bool) -> Settled:
    work = Work(owner_of(hold, books), hold.action, hold.resource)
    return Settled(
        work, receipt_id_of(hold.key), hold.settled_tokens or 0, hold.ended_available or 0, replayed
    )


def _released(hold: Hold, books: Books, *, replayed: bool) -> Released:
    work = Work(owner_of(hold, books), hold.action, hold.resource)
    return Released(work, hold.tokens, hold.ended_available or 0, replayed)
