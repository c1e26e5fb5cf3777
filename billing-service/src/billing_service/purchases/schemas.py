"""Purchases on the wire."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from billing_service.fields import Amount, Body
from billing_service.purchases.rules import read_card


def _readable(number: SecretStr) -> SecretStr:
    read_card(number.get_secret_value())
    return number


CardNumber = Annotated[
    SecretStr,
    Field(strict=True, max_length=40, description="12 to 19 digits; spaces and dashes are fine"),
    AfterValidator(_readable),
]


class PurchaseOrder(Body):
    amount: Amount
    credit_card: CardNumber


class PurchaseView(BaseModel):
    """Tokens that were bought; `available` is what can be spent now."""

    amount: int
    available: int
    receipt_id: UUID | None
    card_brand: str
    card_last_four: str
