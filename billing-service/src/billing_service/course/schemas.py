"""The bodies of the course API; fields that are not known are passed over, as its clients expect."""

from pydantic import BaseModel

from billing_service.fields import Amount, Name
from billing_service.purchases.schemas import CardNumber
from billing_service.wallets.models import OwnedWallet


class TopUp(BaseModel):
    email: Name
    credit_card: CardNumber
    amount: Amount


class OwnTopUp(BaseModel):
    username: Name
    credit_card: CardNumber
    amount: Amount


class Tokens(BaseModel):
    tokens: int


class OwnTokens(BaseModel):
    username: str
    tokens: int


class TopUpDone(BaseModel):
    status: str
    message: str
    email: str
    amount: int


class CourseUser(BaseModel):
    id: int
    email: str
    tokens: int
    is_admin: bool

    @classmethod
    def of(cls, owned: OwnedWallet) -> "CourseUser":
        owner, wallet = owned
        available = wallet.posted - wallet.held
        return cls(id=owner.user_id, email=owner.name, tokens=available, is_admin=owner.role == "admin")


class CourseUsers(BaseModel):
    status: str
    count: int
    users: list[CourseUser]
