"""Rules for charges and refunds, and for the price of all paid work.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from billing_service.errors import (
    ChargeRefunded,
    NotEnoughTokens,
    QuoteExpired,
    QuoteNotFound,
    TokenCapReached,
)
from billing_service.ledger.books import (
    Books,
    FirstAnswer,
    House,
    Receipt,
    TransferDetails,
    Wallet,
    receipt_id_of,
)
from billing_service.ledger.commands import (
    Charged,
    ChargeTokens,
    PricedOperation,
    RefundCharge,
    Refunded,
    Work,
)
from billing_service.prices.rules import Price
from kit.errors import DeadlinePassed, IdempotencyKeyReused


# Cached, because a batch needs each id twice: to read the receipt and to write it.
@lru_cache(maxsize=2048)
def charge_receipt_id(key: str) -> UUID:
    """Differs from the receipt id of a hold with this key, which is another piece of work."""
    return receipt_id_of(f"charge:{key}")


def refund_key(charge: str) -> str:
    """The idempotency key of the refund: each charge has at most one."""
    return f"refund:{charge}"


def charge_tokens(command: ChargeTokens, books: Books, now: datetime) -> Charged:
    """Check the balance, debit the price and write the receipt, in one decision."""
    if refund_key(command.key) in books.first_answers:
        raise ChargeRefunded
    receipt_id = charge_receipt_id(command.key)
    if (earlier := books.receipts.get(receipt_id)) is not None:
        if not command.repeats(earlier.input_hash or b""):
            raise IdempotencyKeyReused
        return Charged(receipt_id, earlier.tokens, earlier.available or 0, replayed=True)
    require_time_left(command, now)
    wallet = books.open_wallet_of(command.user_id)
    price = price_for(command, books, now)
    tokens = price.cost_of(command.units)
    require_affordable(command, tokens, wallet, books)
    if command.api_key is not None:
        books.add_key_usage(command.api_key.id, tokens)
    receipt = Receipt(
        receipt_id,
        wallet.owner_id,
        "charge",
        tokens,
        command.action,
        command.units,
        command.resource,
        price.version,
        input_hash=command.input_hash,
        available=wallet.available - tokens,
        api_key_id=command.api_key.id if command.api_key else None,
    )
    write_charge(receipt, command.key, wallet, books)
    return Charged(receipt_id, tokens, wallet.available, replayed=False)


def refund_charge(command: RefundCharge, books: Books) -> Refunded:
    """Transfer the tokens of a charge back; a charge that arrives after its refund is refused."""
    key, input_hash = refund_key(command.charge), command.input_hash
    charge = books.receipts.get(charge_receipt_id(command.charge))
    work = Work(charge.owner_id, charge.action or "", charge.resource) if charge else None
    if (first := books.first_answers.get(key)) is not None:
        if first.input_hash != input_hash:
            raise IdempotencyKeyReused
        return Refunded(work, first.tokens, first.available, replayed=True)
    if charge is not None and charge.owner_id != command.user_id:
        raise IdempotencyKeyReused
    wallet = books.wallet_of(command.user_id)
    tokens, receipt_id = 0, None
    if charge is not None and wallet is not None:
        tokens, receipt_id = charge.tokens, reverse_charge(charge, key, wallet, books)
    available = wallet.available if wallet is not None else 0
    books.add_first_answer(FirstAnswer(key, input_hash, tokens, available, receipt_id))
    return Refunded(work, tokens, available, replayed=False)


def require_time_left(command: PricedOperation, now: datetime) -> None:
    """Raises DeadlinePassed: tokens moved now would pay for an answer that nobody waits for."""
    if command.decide_by is not None and now > command.decide_by:
        raise DeadlinePassed


def price_for(command: PricedOperation, books: Books, now: datetime) -> Price:
    """The current price of the action, or that of the quote."""
    if command.quote_id is None:
        return books.prices[command.action]
    quote = books.quotes.get(command.quote_id)
    if quote is None or quote.user_id != command.user_id or quote.price.action != command.action:
        raise QuoteNotFound
    if quote.expires_at <= now:
        raise QuoteExpired
    return quote.price


def require_affordable(command: PricedOperation, tokens: int, wallet: Wallet, books: Books) -> None:
    """Raises NotEnoughTokens and TokenCapReached."""
    if tokens > wallet.available:
        raise NotEnoughTokens(tokens, wallet.available)
    if command.api_key is None or command.api_key.token_cap is None:
        return
    left = command.api_key.token_cap - books.key_usage.get(command.api_key.id, 0)
    if tokens > left:
        raise TokenCapReached(tokens, max(left, 0))


def write_charge(receipt: Receipt, key: str, wallet: Wallet, books: Books) -> None:
    """Add the receipt of a charge, and debit its tokens."""
    # Free work has a receipt but no transfer, because the amount of a transfer is above zero.
    if receipt.tokens > 0:
        details = TransferDetails(
            "charge", key, receipt.action, receipt.resource, receipt.price_version, receipt.id
        )
        books.debit(wallet, House.REVENUE, receipt.tokens, details)
    books.add_receipt(receipt)


def reverse_charge(charge: Receipt, key: str, wallet: Wallet, books: Books) -> UUID:
    """Credit the tokens of the charge, with a receipt whose id is returned."""
    receipt_id = receipt_id_of(key)
    if charge.tokens > 0:
        work = (charge.action, charge.resource, charge.price_version)
        details = TransferDetails("refund", key, *work, receipt_id, note=f"receipt {charge.id}")
        books.credit(wallet, House.REVENUE, charge.tokens, details)
        if wallet.closed_at is not None:
            # The wallet stays closed and empty: these tokens expire like those at its closing.
            expired = TransferDetails("closing", f"closing:{key}")
            books.debit(wallet, House.EXPIRED, charge.tokens, expired)
    if charge.api_key_id is not None:
        books.add_key_usage(charge.api_key_id, -charge.tokens)
    refund = charge._replace(id=receipt_id, kind="refund", input_hash=None, available=None, api_key_id=None)
    books.add_receipt(refund)
    return receipt_id
