"""Rules for charges and refunds, and for the price of all paid work.

Each rule raises before it changes anything, so that a refusal leaves the books unchanged.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from billing_service.errors import ChargeRefunded, QuoteExpired, QuoteNotFound, WalletNotFound
from billing_service.ledger.books import Books, Payment
from billing_service.ledger.commands import (
    Charged,
    ChargeTokens,
    PricedOperation,
    RefundCharge,
    Refunded,
    Work,
)
from billing_service.ledger.fund_rules import drain
from billing_service.ledger.limit_rules import count_in_limits, paying_group
from billing_service.ledger.payment_rules import pay, payers_of
from billing_service.ledger.rows import (
    Allowance,
    FirstAnswer,
    House,
    Pool,
    Receipt,
    TransferDetails,
    Wallet,
    receipt_id_of,
    total_of,
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
    group_id = paying_group(command, books)
    payers = payers_of(command, group_id, wallet, books, now)
    payments = pay(command, tokens, payers, books, now)
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
        available=total_of(payers) - tokens,
        api_key_id=command.api_key.id if command.api_key else None,
        group_id=group_id,
        context=command.context,
        created_at=None if group_id is None else now,
    )
    write_charge(receipt, command.key, payments, books)
    if group_id is not None:
        count_in_limits(receipt, wallet.owner_id, tokens, books)
    return Charged(receipt_id, tokens, receipt.available or 0, replayed=False)


def refund_charge(command: RefundCharge, books: Books, now: datetime) -> Refunded:
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
    payments = payments_of(charge, wallet, books) if charge is not None and wallet is not None else []
    if charge is not None and wallet is not None:
        tokens, receipt_id = charge.tokens, reverse_charge(charge, key, payments, books, now)
    accounts = [account for account, _ in payments] or [wallet]
    available = sum(account.available for account in accounts if account is not None)
    books.add_first_answer(FirstAnswer(key, input_hash, tokens, available, receipt_id))
    return Refunded(work, tokens, available, replayed=False)


def payments_of(charge: Receipt, wallet: Wallet, books: Books) -> list[Payment]:
    """The accounts that paid a charge; raises WalletNotFound if the batch has not locked one of them."""
    if charge.group_id is None:
        return [Payment(wallet, charge.tokens)]
    parts = books.receipt_parts.get(charge.id, ())
    accounts = books.accounts_of(parts)
    if accounts is None:
        raise WalletNotFound
    return [Payment(account, part.tokens) for account, part in zip(accounts, parts, strict=True)]


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


def write_charge(receipt: Receipt, key: str, payments: Sequence[Payment], books: Books) -> None:
    """Add the receipt of a charge, and debit its tokens: one transfer for each account."""
    details = TransferDetails(
        "charge",
        key,
        receipt.action,
        receipt.resource,
        receipt.price_version,
        receipt.id,
        None,
        None,
        receipt.context,
        None if receipt.group_id is None else receipt.owner_id,
    )
    for account, tokens in payments:
        # Free work has a receipt but no transfer, because the amount of a transfer is above zero.
        if tokens > 0:
            books.debit(account, House.REVENUE, tokens, details)
    books.add_receipt(receipt, payments)


def reverse_charge(
    charge: Receipt, key: str, payments: Sequence[Payment], books: Books, now: datetime
) -> UUID:
    """Credit the tokens of the charge, with a receipt whose id is returned."""
    receipt_id = receipt_id_of(key)
    details = TransferDetails(
        "refund",
        key,
        charge.action,
        charge.resource,
        charge.price_version,
        receipt_id,
        note=f"receipt {charge.id}",
        context=charge.context,
        member_id=None if charge.group_id is None else charge.owner_id,
    )
    returned = [Payment(_refunded_account(account, books, now), tokens) for account, tokens in payments]
    for account, tokens in returned:
        if tokens > 0:
            books.credit(account, House.REVENUE, tokens, details)
            _expire_refund(account, tokens, key, books, now)
    if charge.api_key_id is not None:
        books.add_key_usage(charge.api_key_id, -charge.tokens)
    count_in_limits(charge, charge.owner_id, -charge.tokens, books)
    refund = charge._replace(
        id=receipt_id, kind="refund", input_hash=None, available=None, api_key_id=None, created_at=None
    )
    books.add_receipt(refund, returned)
    return receipt_id


def _refunded_account(account: Wallet, books: Books, now: datetime) -> Wallet:
    """The pool in place of an allowance that has ended."""
    if not isinstance(account, Allowance) or not account.has_ended(now):
        return account
    pool = books.pool_of(account.group_id)
    if pool is None:
        # It was closed after the locks were chosen: the scheduler returns its tokens and closes it again.
        account.closed_at = None
        return account
    return pool


def _expire_refund(account: Wallet, tokens: int, key: str, books: Books, now: datetime) -> None:
    """A wallet or pool that is closed stays empty: these tokens expire like those at its closing."""
    if isinstance(account, Pool):
        if account.has_ended(now):
            drain(account, books, now)
    elif account.closed_at is not None:
        books.debit(account, House.EXPIRED, tokens, TransferDetails("closing", f"closing:{key}"))
