"""Port to billing-service: the calls that ml-service makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NewType, Protocol

from kit.deadlines import DeadlinePassed
from kit.errors import ErrorKind, RelayedError
from kit.identity import ApiKey, UserId
from ml_service.errors import BillingUnavailable

ChargeKey = NewType("ChargeKey", str)
Action = Literal["train", "predict", "batch", "metadata", "score"]

NOT_ENOUGH_TOKENS = ErrorKind(402, "not_enough_tokens")
TOKEN_CAP_REACHED = ErrorKind(402, "token_cap_reached")
SPENDING_LIMIT_REACHED = ErrorKind(402, "spending_limit_reached")
GROUP_NOT_FOUND = ErrorKind(404, "group_not_found")
GROUP_ARCHIVED = ErrorKind(409, "group_archived")
WALLET_NOT_FOUND = ErrorKind(404, "wallet_not_found")
QUOTE_NOT_FOUND = ErrorKind(404, "quote_not_found")
QUOTE_EXPIRED = ErrorKind(409, "quote_expired")
KEY_REUSED = ErrorKind(422, "idempotency_key_reused")
# Refusals of a first or repeated hold: the user or the group cannot pay.
CANNOT_PAY = (
    *(NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, SPENDING_LIMIT_REACHED),
    *(WALLET_NOT_FOUND, GROUP_NOT_FOUND, GROUP_ARCHIVED),
)
# Final refusals that concern the caller: a retry receives the same one.
REFUSALS = (*CANNOT_PAY, QUOTE_NOT_FOUND, QUOTE_EXPIRED, KEY_REUSED)
# Errors of every endpoint that charges.
CHARGE_ERRORS = (*CANNOT_PAY, BillingUnavailable, DeadlinePassed)
# Keys of one charge or hold: each failure of its work uses one up.
MAX_ATTEMPTS = 10


class BillingRefusal(RelayedError):
    """A refusal of billing-service, passed on to the caller with its code and members."""

    @property
    def kind(self) -> ErrorKind:
        return ErrorKind(self.status, self.code)


class HoldEnded(BillingRefusal):
    """The hold was settled, released or refunded, has expired, or was never placed."""

    @property
    def is_paid(self) -> bool:
        return self.members.get("state") == "settled"


class HoldNotFound(HoldEnded):
    """The hold was never placed."""


class ChargeRefunded(BillingRefusal):
    """The charge's key belongs to a charge that was refunded, or refunded before it arrived."""


class BillingUnreachable(BillingUnavailable):
    """No call reached billing, so none has taken effect."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Work to pay for; its key belongs to one request, so that a repeated charge or hold has no effect.

    With the id of a quote it costs the price of that quote. The group pays if there is one, else the user's
    default payer. The context, such as `challenge:17`, says what the work was for.
    """

    key: ChargeKey
    user_id: UserId
    action: Action
    units: int = 1
    resource: str | None = None
    api_key: ApiKey | None = None
    quote_id: str | None = None
    group_id: int | None = None
    context: str | None = None

    def attempts(self) -> list["Charge"]:
        """The charge under all its keys, in the order of use; a quote is for the first one only."""
        _, *later = attempt_keys(self.key)
        return [self, *(replace(self, key=key, quote_id=None) for key in later)]


def attempt_keys(key: ChargeKey) -> list[ChargeKey]:
    """The keys of a charge in the order of use: each but the first follows one that has ended unpaid."""
    return [key, *(ChargeKey(f"{key}:{attempt}") for attempt in range(1, MAX_ATTEMPTS))]


@dataclass(frozen=True, slots=True)
class Hold:
    key: ChargeKey
    tokens: int
    available: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """The charged tokens, and the wallet's available tokens after the charge.

    `replayed` is the receipt of an earlier charge with the same key.
    """

    id: str
    tokens: int
    available: int
    replayed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Price:
    tokens: int
    per_units: int


class Billing(Protocol):
    """Calls with idempotent effect: a repeated call with the same key changes nothing.

    All raise BillingUnavailable without an answer from billing; the call may still have taken effect, except
    after its subclass BillingUnreachable.
    """

    async def charge(self, charge: Charge) -> Receipt:
        """Debit the price at once, but not after the deadline of the request.

        Raises ChargeRefunded, or BillingRefusal as `hold` does.
        """
        ...

    async def refund(self, key: ChargeKey, user_id: UserId) -> None:
        """Return the tokens of a charge; one that arrives later is refused with ChargeRefunded.

        Raises BillingRefusal.
        """
        ...

    async def refund_hold(self, key: ChargeKey, user_id: UserId) -> None:
        """End a hold so that nothing is paid, also a settled one; one that arrives later is refused.

        Raises BillingRefusal.
        """
        ...

    async def hold(self, charge: Charge, ttl_seconds: int, *, limited: bool = False) -> Hold:
        """Hold the price until it is settled or released, at most this long.

        `limited` holds only before the deadline of the request. Raises HoldEnded if the hold with this key
        has ended, or BillingRefusal, one of REFUSALS.
        """
        ...

    async def settle(self, hold: ChargeKey, tokens: int | None = None) -> Receipt:
        """Charge these tokens of the hold, by default all, and release the rest.

        Raises HoldEnded, HoldNotFound.
        """
        ...

    async def release(self, hold: ChargeKey) -> None:
        """Return the tokens of the hold; a hold that has ended is no error."""
        ...

    async def extend(self, hold: ChargeKey, ttl_seconds: int) -> None:
        """Let the hold expire this long from now. Raises HoldEnded."""
        ...

    async def usage(self, group_id: int, context: str, until: datetime) -> Mapping[UserId, int]:
        """The tokens that each user has paid in this context of a group before that time, net of refunds."""
        ...

    async def prices(self) -> Mapping[Action, Price]:
        """The current prices, at most a few seconds old."""
        ...
