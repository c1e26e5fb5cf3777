"""Buying tokens."""

from uuid import uuid4

from fastapi import Response

from billing_service.dependencies import AllPurchases
from billing_service.errors import CardDeclined, WalletNotFound
from billing_service.purchases.rules import read_card
from billing_service.purchases.schemas import PurchaseOrder, PurchaseView
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.errors import Forbidden, Unauthenticated
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused
from kit.problems import documented

router = strict_router("/v1/purchases", ["wallet"])


@router.post(
    "",
    status_code=201,
    responses=documented(Unauthenticated, Forbidden, CardDeclined, WalletNotFound, IdempotencyKeyReused),
)
async def buy_tokens(
    order: PurchaseOrder,
    caller: AccountOwner,
    purchases: AllPurchases,
    response: Response,
    key: IdempotencyKey = None,
) -> PurchaseView:
    """Buy tokens with a card; only its brand and last four digits are kept."""
    card = read_card(order.credit_card.get_secret_value())
    scoped = f"purchase:{caller.user_id}:{key or uuid4().hex}"
    done = await purchases.buy(caller.user_id, order.amount, card, scoped)
    if done.replayed:
        response.headers.update(REPLAYED)
    return PurchaseView(
        amount=done.tokens,
        available=done.available,
        receipt_id=done.receipt_id,
        card_brand=card.brand,
        card_last_four=card.last_four,
    )
