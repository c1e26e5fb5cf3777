"""People."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.wallet import Wallet


class User(Result):
    """Somebody with an account."""

    id: int
    name: str
    display_name: str | None
    role: Literal["user", "admin"]
    disabled: bool
    created_at: datetime


class UserWallet(Wallet):
    """A user as administrators list them, with what is in their wallet."""

    id: int
    name: str
    role: Literal["user", "admin"]
    disabled: bool
