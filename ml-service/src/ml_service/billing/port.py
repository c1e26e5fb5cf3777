"""Port to billing-service: what ml-service needs of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NewType, Protocol

from kit.errors import ErrorKind, RelayedError
from kit.identity import ApiKey, UserId
from ml_service.errors import BillingUnavailable

HoldKey = NewType("HoldKey", str)
Action = Literal["train", "predict", "batch", "metadata"]

NOT_ENOUGH_TOKENS = ErrorKind(402, "not_enough_tokens")
TOKEN_CAP_REACHED = ErrorKind(402, "token_cap_reached")
WALLET_NOT_FOUND = ErrorKind(404, "wallet_not_found")
QUOTE_NOT_FOUND = ErrorKind(404, "quote_not_found")
QUOTE_EXPIRED = ErrorKind(409, "quote_expired")
# Refusals of a hold, also of one that is placed again: the wallet cannot pay.
CANNOT_PAY = (NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, WALLET_NOT_FOUND)
REFUSALS = (*CANNOT_PAY, QUOTE_NOT_FOUND, QUOTE_EXPIRED)
# Errors of every endpoint that charges.
CHARGE_ERRORS = (*CANNOT_PAY, BillingUnavailable)


class BillingRefusal(RelayedError):
    """A refusal of billing-service, passed on to the caller with its code and members."""

    @property
    def kind(self) -> ErrorKind:
        return ErrorKind(self.status, self.code)


class HoldEnded(BillingRefusal):
    """The hold was released, has expired, or was never placed: settling places it again."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A reason to hold tokens; its key belongs to one request, so holding twice holds once.

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

    def for_attempt(self, attempt: int) -> "Charge":
        """The same charge under its next key: the hold before it expired, and its quote with it."""
        return replace(self, key=HoldKey(f"{self.key}:{attempt}"), quote_id=None)


@dataclass(frozen=True, slots=True)
class Hold:
    key: HoldKey
    tokens: int
    available: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The tokens charged in the end, and those that the wallet can still spend."""

    id: str
    tokens: int
    available: int


@dataclass(frozen=True, slots=True)
class Price:
    tokens: int
    per_units: int


class Billing(Protocol):
    """Each call may be repeated with the same key and has one effect.

    All raise BillingUnavailable when billing does not answer; the call may or may not have had its effect.
    """

    async def hold(self, charge: Charge) -> Hold:
        """Set tokens aside.

        Raises BillingRefusal, one of CANNOT_PAY, QUOTE_NOT_FOUND and QUOTE_EXPIRED.
        """
        ...

    async def settle(self, hold: HoldKey, tokens: int | None = None) -> Receipt:
        """Charge this many tokens, at most those of the hold and by default all; release the rest.

        Raises HoldEnded.
        """
        ...

    async def release(self, hold: HoldKey) -> None:
        """Return the tokens of the hold; a hold that has ended is no error."""
        ...

    async def extend(self, hold: HoldKey, ttl_seconds: int) -> None:
        """Let the hold expire this long from now. Raises HoldEnded."""
        ...

    async def prices(self) -> Mapping[Action, Price]:
        """The current prices, at most a few seconds old."""
        ...
