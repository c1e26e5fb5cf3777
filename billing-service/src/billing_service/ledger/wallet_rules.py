"""How wallets are opened, filled and closed; each rule raises before it changes anything."""

from datetime import datetime
from uuid import UUID

from billing_service.errors import WalletNotFound
from billing_service.ledger import commands as ask
from billing_service.ledger.books import Books, House, Operation, Receipt, Wallet, Why, receipt_id_of
from kit.idempotency import IdempotencyKeyReused


def open_wallet(order: ask.OpenWallet, books: Books) -> ask.Credited:
    """Grant a new user's first tokens, unless a user of that name had them before."""
    wallet = books.wallet_of(order.user_id)
    if wallet is None:
        raise WalletNotFound
    if order.key in books.operations or wallet.closed_at is not None:
        return ask.Credited(0, wallet.available, None, replayed=True)
    if order.tokens > 0:
        books.credit(wallet, House.GRANTS, order.tokens, Why("opening_grant", order.key))
    return _record(order, wallet, books)


def grant(order: ask.Grant, books: Books) -> ask.Credited:
    """Give tokens, with the reason and who gave them."""
    if (first := _first_answer(order.key, order.input_hash, books)) is not None:
        return first
    wallet = books.open_wallet_of(order.user_id)
    why = Why("grant", order.key, note=order.reason, made_by=order.granted_by)
    books.credit(wallet, House.GRANTS, order.tokens, why)
    return _record(order, wallet, books)


def buy(order: ask.Buy, books: Books) -> ask.Credited:
    """Credit tokens that a card has paid for, with a receipt."""
    if (first := _first_answer(order.key, order.input_hash, books)) is not None:
        return first
    wallet = books.open_wallet_of(order.user_id)
    receipt_id = receipt_id_of(order.key)
    note = f"{order.card_brand} ending in {order.card_last_four}"
    why = Why("purchase", order.key, receipt_id=receipt_id, note=note)
    books.credit(wallet, House.SALES, order.tokens, why)
    books.changes.receipts.append(
        Receipt(
            id=receipt_id,
            owner_id=wallet.owner_id,
            kind="purchase",
            tokens=order.tokens,
            card_brand=order.card_brand,
            card_last_four=order.card_last_four,
        )
    )
    return _record(order, wallet, books, receipt_id)


def close_wallet(order: ask.CloseWallet, books: Books, now: datetime) -> ask.Closed:
    """Release what is held, retire what is left, and take no more."""
    wallet = books.wallet_of(order.user_id)
    if wallet is None or wallet.closed_at is not None:
        return ask.Closed()
    for hold in books.open_holds(wallet):
        books.end_hold(hold, wallet, "released")
    if wallet.posted > 0:
        books.debit(wallet, House.EXPIRED, wallet.posted, Why("closing", f"closing:{order.user_id}"))
    wallet.closed_at = now
    books.changes.wallets[wallet.id] = wallet
    return ask.Closed()


def _first_answer(key: str, input_hash: bytes, books: Books) -> ask.Credited | None:
    known = books.operations.get(key)
    if known is None:
        return None
    if known.input_hash != input_hash:
        raise IdempotencyKeyReused
    return ask.Credited(known.tokens, known.available, known.receipt_id, replayed=True)


def _record(
    order: ask.OpenWallet | ask.Grant | ask.Buy, wallet: Wallet, books: Books, receipt_id: UUID | None = None
) -> ask.Credited:
    # Whoever has the name later asks for the same opening grant, so the user is not part of its input.
    input_hash = b"" if isinstance(order, ask.OpenWallet) else order.input_hash
    books.add_operation(Operation(order.key, input_hash, order.tokens, wallet.available, receipt_id))
    return ask.Credited(order.tokens, wallet.available, receipt_id, replayed=False)
