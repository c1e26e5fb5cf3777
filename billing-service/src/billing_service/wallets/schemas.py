"""Wallets on the wire."""

from typing import Annotated

from pydantic import BaseModel, Field, StrictInt

from billing_service.fields import Body, Label
from billing_service.ledger.models import Account
from billing_service.wallets.models import OwnedWallet

LARGEST_GRANT = 1_000_000_000


class WalletView(BaseModel):
    """`available` is what can be spent: `tokens` less those held for work that is being done."""

    tokens: int
    held: int
    available: int

    @classmethod
    def of(cls, wallet: Account) -> "WalletView":
        return cls(tokens=wallet.posted, held=wallet.held, available=wallet.posted - wallet.held)


class UserView(WalletView):
    id: int
    name: str
    role: str
    disabled: bool

    @classmethod
    def of_owned(cls, owned: OwnedWallet) -> "UserView":
        owner, wallet = owned
        tokens = WalletView.of(wallet).model_dump()
        return cls(id=owner.user_id, name=owner.name, role=owner.role, disabled=owner.disabled, **tokens)


class GrantOrder(Body):
    amount: Annotated[StrictInt, Field(ge=1, le=LARGEST_GRANT, description="whole tokens")]
    reason: Label


class GrantView(BaseModel):
    user_id: int
    amount: int
    available: int
