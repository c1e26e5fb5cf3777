"""Accounts, logins and API keys."""

from datetime import datetime
from typing import Literal

from farebox.results.base import Result
from farebox.results.wallet import Wallet


class User(Result):
    """An account."""

    id: int
    name: str
    display_name: str | None
    role: Literal["user", "admin"]
    disabled: bool
    created_at: datetime


class UserWallet(Wallet):
    """A user with their wallet, in the list for administrators."""

    id: int
    name: str
    role: Literal["user", "admin"]
    disabled: bool


class SessionTokens(Result):
    """An access token that lasts `expires_in` seconds, and the refresh token that renews it."""

    access_token: str
    expires_in: float
    refresh_token: str
    refresh_expires_in: float


class ApiKey(Result):
    """A key in the list; `prefix` is its first characters."""

    id: int
    name: str
    prefix: str
    scopes: list[str]
    token_cap: int | None
    group_id: int | None = None
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None


class NewApiKey(ApiKey):
    """A new key, with its secret in `api_key`, which is not shown again."""

    api_key: str
