"""Rules for opening, crediting and closing wallets; each raises before it changes anything."""

from datetime import datetime
from uuid import UUID

from billing_service.errors import WalletNotFound
from billing_service.ledger.books import Books, Payment
from billing_service.ledger.commands import (
    BuyTokens,
    Closed,
    CloseWallet,
    CreditCommand,
    Credited,
    GrantTokens,
    OpenWallet,
)
from billing_service.ledger.fund_rules import open_pool_of
from billing_service.ledger.group_commands import GrantToPool
from billing_service.ledger.rows import (
    FirstAnswer,
    House,
    Receipt,
    TransferDetails,
    Wallet,
    receipt_id_of,
)
from kit.errors import IdempotencyKeyReused


def open_wallet(command: OpenWallet, books: Books) -> Credited:
    """Credit the opening grant, unless an earlier user of the name has received it."""
    wallet = books.wallet_of(command.user_id)
    if wallet is None:
        raise WalletNotFound
    if command.key in books.first_answers or wallet.closed_at is not None:
        return Credited(0, wallet.available, None, replayed=True)
    if command.tokens > 0:
        books.credit(wallet, House.GRANTS, command.tokens, TransferDetails("opening_grant", command.key))
    return _record(command, wallet, books)


def grant_tokens(command: GrantTokens, books: Books) -> Credited:
    """Credit tokens, and record the reason and the administrator."""
    if (first := _first_answer(command.key, command.input_hash, books)) is not None:
        return first
    wallet = books.open_wallet_of(command.user_id)
    details = TransferDetails("grant", command.key, note=command.reason, made_by=command.granted_by)
    books.credit(wallet, House.GRANTS, command.tokens, details)
    return _record(command, wallet, books)


def grant_to_pool(command: GrantToPool, books: Books, now: datetime) -> Credited:
    if (first := _first_answer(command.key, command.input_hash, books)) is not None:
        return first
    pool = open_pool_of(command.group_id, books, now)
    details = TransferDetails("pool_grant", command.key, note=command.reason, made_by=command.granted_by)
    books.credit(pool, House.GRANTS, command.tokens, details)
    return _record(command, pool, books)


def buy_tokens(command: BuyTokens, books: Books, now: datetime) -> Credited:
    """Credit tokens paid for by card to the wallet or to the pool of a group, with a receipt."""
    if (first := _first_answer(command.key, command.input_hash, books)) is not None:
        return first
    wallet = books.open_wallet_of(command.user_id)
    if command.group_id is not None:
        wallet = open_pool_of(command.group_id, books, now)
    receipt_id = receipt_id_of(command.key)
    note = f"{command.card_brand} ending in {command.card_last_four}"
    buyer = command.user_id if command.group_id is not None else None
    details = TransferDetails("purchase", command.key, receipt_id=receipt_id, note=note, made_by=buyer)
    books.credit(wallet, House.SALES, command.tokens, details)
    receipt = Receipt(
        id=receipt_id,
        owner_id=command.user_id,
        kind="purchase",
        tokens=command.tokens,
        card_brand=command.card_brand,
        card_last_four=command.card_last_four,
        group_id=command.group_id,
    )
    books.add_receipt(receipt, [Payment(wallet, command.tokens)])
    return _record(command, wallet, books, receipt_id)


def close_wallet(command: CloseWallet, books: Books, now: datetime) -> Closed:
    """Release all holds, retire the balance, and refuse later commands."""
    wallet = books.wallet_of(command.user_id)
    if wallet is None or wallet.closed_at is not None:
        return Closed()
    for hold in books.open_holds(wallet):
        books.end_hold(hold, [wallet], "released")
    if wallet.posted > 0:
        details = TransferDetails("closing", f"closing:{command.user_id}")
        books.debit(wallet, House.EXPIRED, wallet.posted, details)
    wallet.closed_at = now
    books.changes.wallets[wallet.id] = wallet
    return Closed()


def _first_answer(key: str, input_hash: bytes, books: Books) -> Credited | None:
    answer = books.first_answers.get(key)
    if answer is None:
        return None
    if answer.input_hash != input_hash:
        raise IdempotencyKeyReused
    return Credited(answer.tokens, answer.available, answer.receipt_id, replayed=True)


def _record(command: CreditCommand, wallet: Wallet, books: Books, receipt_id: UUID | None = None) -> Credited:
    # Without the user: a later user of the name must get the same first answer.
    input_hash = b"" if isinstance(command, OpenWallet) else command.input_hash
    books.add_first_answer(FirstAnswer(command.key, input_hash, command.tokens, wallet.available, receipt_id))
    return Credited(command.tokens, wallet.available, receipt_id, replayed=False)
