"""Purchases of tokens with a card."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from billing_service.errors import CardDeclined, GroupNotFound, PurchasesOff, WalletNotFound
from billing_service.fields import Amount, Body
from billing_service.groups.access_queries import require_owner
from billing_service.groups.endpoints import SchedulerDep
from billing_service.purchases.cards import parse_card
from billing_service.purchases.service import Purchases, purchase_key
from billing_service.statements.endpoints import DatabaseDep
from kit.app import strict_router
from kit.authentication import AccountOwner
from kit.errors import Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.fields import RowId
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented

router = strict_router("/v1/purchases", ["wallet"])


def _valid_card_number(number: SecretStr) -> SecretStr:
    parse_card(number.get_secret_value())
    return number


async def _purchases(request: Request) -> Purchases:
    return request.app.state.container.purchases


PurchasesDep = Annotated[Purchases, Depends(_purchases)]
CardNumber = Annotated[
    SecretStr,
    Field(strict=True, max_length=40, description="12 to 19 digits; spaces and dashes are allowed"),
    AfterValidator(_valid_card_number),
]


class NewPurchase(Body):
    amount: Amount
    credit_card: CardNumber
    group_id: Annotated[RowId | None, Field(description="the group whose pool gets the tokens")] = None


class PurchaseView(BaseModel):
    """The bought tokens, and the tokens available afterwards."""

    amount: int
    available: int
    receipt_id: UUID | None
    card_brand: str
    card_last_four: str


@router.post(
    "",
    status_code=201,
    responses=documented(
        *(Unauthenticated, Forbidden, PurchasesOff, CardDeclined),
        *(WalletNotFound, GroupNotFound, IdempotencyKeyReused),
    ),
)
async def buy_tokens(
    purchase: NewPurchase,
    caller: AccountOwner,
    purchases: PurchasesDep,
    database: DatabaseDep,
    scheduler: SchedulerDep,
    response: Response,
    key: IdempotencyKey = None,
) -> PurchaseView:
    """Buy tokens with a card, for yourself or for a group that you own.

    Only the brand and the last four digits of the card are stored.

    With the setting `PURCHASES=off` this is refused; `GET /v1/prices` has the setting as `purchases`.
    """
    card = parse_card(purchase.credit_card.get_secret_value())
    group_id = purchase.group_id
    if group_id is not None:
        # A short session of its own: no connection is held while the card is charged.
        async with database.read() as session:
            await require_owner(session, group_id, caller)
    bought = await purchases.buy(caller.user_id, purchase.amount, card, purchase_key(caller, key), group_id)
    if bought.replayed:
        response.headers.update(REPLAYED)
    if group_id is not None:
        await scheduler.run_soon(group_id)
    return PurchaseView(
        amount=bought.tokens,
        available=bought.available,
        receipt_id=bought.receipt_id,
        card_brand=card.brand,
        card_last_four=card.last_four,
    )
