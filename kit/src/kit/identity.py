"""Identities of callers. Pure, so that rules and workers may import them."""

from dataclasses import dataclass
from typing import Literal, NewType

UserId = NewType("UserId", int)
ApiKeyId = NewType("ApiKeyId", int)
Role = Literal["user", "admin"]

# Clocks of two machines may differ by as much, in seconds; times in tokens are those of another machine.
LARGEST_CLOCK_SKEW = 120
# The `iss` and `aud` claims of every access token.
ISSUER = AUDIENCE = "farebox"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The API key behind an access token: its scopes, the most that it may ever use, the group that pays."""

    id: ApiKeyId
    scopes: frozenset[str]
    usage_cap: int | None
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A user; `group_id` is the group that pays for the request, None the user's default payer."""

    user_id: UserId
    role: Role
    generation: int
    session_id: str | None
    api_key: ApiKey | None
    expires_at: float
    group_id: int | None = None

    @property
    def is_admin(self) -> bool:
        return self.role == "admin" and self.api_key is None
