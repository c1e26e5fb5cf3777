"""What ml-service asks of billing, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NewType, Protocol

from kit.errors import ErrorKind, RelayedError
from kit.identity import ApiKey, UserId

HoldKey = NewType("HoldKey", str)
Action = Literal["train", "predict", "batch", "metadata"]


NOT_ENOUGH_TOKENS = ErrorKind(402, "not_enough_tokens")
TOKEN_CAP_REACHED = ErrorKind(402, "token_cap_reached")
WALLET_NOT_FOUND = ErrorKind(404, "wallet_not_found")
QUOTE_NOT_FOUND = ErrorKind(404, "quote_not_found")
QUOTE_EXPIRED = ErrorKind(409, "quote_expired")
# Refusals of a hold or of holding again: the wallet cannot pay.
CANNOT_PAY = (NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, WALLET_NOT_FOUND)
REFUSALS = (*CANNOT_PAY, QUOTE_NOT_FOUND, QUOTE_EXPIRED)


class BillingRefusal(RelayedError):
    """A refusal of billing-service, passed on to the caller with its code and members."""

    @property
    def kind(self) -> ErrorKind:
        return ErrorKind(self.status, self.code)


class HoldEnded(BillingRefusal):
    """The hold was released or expired, or never was: settling places it again."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What to hold tokens for; the key is the operation's own, so asking twice holds once.

    With the id of a quote it costs what that quote promised.
    """

    key: HoldKey
    user_id: UserId
    action: Action
    ttl_seconds: int
    units: int = 1
    resource: str | None = None
    api_key: ApiKey | None = None
    quote_id: str | None = None

    def again(self, attempt: int) -> "Charge":
        """The same charge under the next key, for when the hold before it expired, and its quote with it."""
        return replace(self, key=HoldKey(f"{self.key}:{attempt}"), quote_id=None)


@dataclass(frozen=True, slots=True)
class Hold:
    key: HoldKey
    tokens: int
    available: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was charged in the end, and what the wallet can still spend."""

    id: str
    tokens: int
    available: int


@dataclass(frozen=True, slots=True)
class Price:
    tokens: int
    per_units: int


class Billing(Protocol):
    """Each call may be repeated with the same key and has one effect.

    All raise BillingUnavailable when billing does not answer; then nothing is known to have happened.
    """

    async def hold(self, charge: Charge) -> Hold:
        """Set tokens aside.

        Raises BillingRefusal, one of CANNOT_PAY, QUOTE_NOT_FOUND and QUOTE_EXPIRED.
        """
        ...

    async def settle(self, hold: HoldKey, tokens: int | None = None) -> Receipt:
        """Charge so many tokens, at most and unless said all that was held; the rest is given back.

        Raises HoldEnded when it was released or expired, or never was.
        """
        ...

    async def release(self, hold: HoldKey) -> None:
        """Give back what was held; no matter if it already is."""
        ...

    async def extend(self, hold: HoldKey, ttl_seconds: int) -> None:
        """Keep the hold for this long from now. Raises HoldEnded."""
        ...

    async def prices(self) -> Mapping[Action, Price]:
        """As they are now, or were a few seconds ago."""
        ...
