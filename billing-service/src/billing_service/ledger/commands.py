"""Commands of the ledger, and their outcomes."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from billing_service.ledger.group_commands import GrantToPool, GroupCommand
from kit.digests import fingerprint
from kit.errors import ServiceError
from kit.identity import ApiKeyId, UserId


@dataclass(frozen=True, slots=True)
class KeyCap:
    """An API key and its token cap."""

    id: ApiKeyId
    token_cap: int | None


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """Open the wallet of a new user. The key stands for the user's name: one opening grant per name, ever."""

    user_id: UserId
    key: str
    tokens: int


@dataclass(frozen=True, slots=True)
class GrantTokens:
    user_id: UserId
    key: str
    tokens: int
    reason: str
    granted_by: UserId

    @property
    def input_hash(self) -> bytes:
        return fingerprint("grant", self.user_id, self.tokens, self.reason)


@dataclass(frozen=True, slots=True)
class BuyTokens:
    """Credit tokens paid for by card."""

    user_id: UserId
    key: str
    tokens: int
    card_brand: str
    card_last_four: str
    # The group whose pool is credited; None for the user's wallet.
    group_id: int | None = None

    @property
    def input_hash(self) -> bytes:
        group = () if self.group_id is None else (self.group_id,)
        return fingerprint(
            "purchase", self.user_id, self.tokens, self.card_brand, self.card_last_four, *group
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A command of another service; `request_id` names the user's request behind it in the logs."""

    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class PricedOperation(Operation):
    """A command that is priced by an action and its units."""

    user_id: UserId
    key: str
    action: str
    units: int
    resource: str | None = None
    api_key: KeyCap | None = None
    quote_id: UUID | None = None
    # Afterwards nobody waits for the answer.
    decide_by: datetime | None = field(default=None, kw_only=True)
    # The group that pays; None for the user's default.
    group_id: int | None = field(default=None, kw_only=True)
    # A label of the work, such as `challenge:17`.
    context: str | None = field(default=None, kw_only=True)

    @property
    def input_hash(self) -> bytes:
        """Without the API key: a retry may log in with another one, and is the same work of the same user."""
        return self._hash_with(None)

    def repeats(self, input_hash: bytes) -> bool:
        """Whether this input was stored; the previous release stored it with the API key."""
        if input_hash == self.input_hash:
            return True
        return self.api_key is not None and input_hash == self._hash_with(self.api_key.id)

    def _hash_with(self, api_key_id: ApiKeyId | None) -> bytes:
        # Without a group and a context, the hash is that of the previous release.
        paid_by = () if self.group_id is None and self.context is None else (self.group_id, self.context)
        work = (self.user_id, self.action, self.units, self.resource)
        return fingerprint(*work, api_key_id, self.quote_id, *paid_by)


@dataclass(frozen=True, slots=True)
class ChargeTokens(PricedOperation):
    """Debit the price of work that is answered at once."""


@dataclass(frozen=True, slots=True)
class RefundCharge(Operation):
    """Return the tokens of a charge; a charge that has not arrived yet is refused when it does."""

    charge: str
    user_id: UserId

    @property
    def input_hash(self) -> bytes:
        return fingerprint("refund", self.user_id)


@dataclass(frozen=True, slots=True)
class RefundHold(Operation):
    """End a hold unpaid, whatever its state; a hold that has not arrived yet is refused when it does."""

    hold: str
    user_id: UserId


@dataclass(frozen=True, slots=True)
class PlaceHold(PricedOperation):
    """Set the price of work aside before the work starts."""

    ttl_seconds: int = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SettleHold(Operation):
    hold: str
    tokens: int | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseHold(Operation):
    hold: str


@dataclass(frozen=True, slots=True)
class ExtendHold(Operation):
    hold: str
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class ExpireHold:
    """Release a hold whose time to live has passed, unless it has ended."""

    hold: str


@dataclass(frozen=True, slots=True)
class CloseWallet:
    user_id: UserId


CreditCommand = OpenWallet | GrantTokens | BuyTokens | GrantToPool
OperationCommand = (
    ChargeTokens | RefundCharge | PlaceHold | RefundHold | SettleHold | ReleaseHold | ExtendHold
)
Command = CreditCommand | OperationCommand | GroupCommand | ExpireHold | CloseWallet


@dataclass(frozen=True, slots=True)
class Credited:
    """Tokens added; zero when a wallet opens for a name that has had its opening grant."""

    tokens: int
    available: int
    receipt_id: UUID | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class Work:
    """The work that tokens were charged or held for."""

    user_id: int
    action: str
    resource: str | None


@dataclass(frozen=True, slots=True)
class Charged:
    receipt_id: UUID
    tokens: int
    available: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Refunded:
    """Tokens returned; `work` is None for a charge or hold that had not arrived; it will be refused."""

    work: Work | None
    tokens: int
    available: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Held:
    key: str
    tokens: int
    available: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Settled:
    work: Work
    receipt_id: UUID
    tokens: int
    available: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Released:
    work: Work
    tokens: int
    available: int
    replayed: bool


@dataclass(frozen=True, slots=True)
class Extended:
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """The wallet is closed, by this command or an earlier one."""


@dataclass(frozen=True, slots=True)
class Issued:
    """The number of new allowances; with `needed`, the pool has fewer tokens and nothing was issued."""

    allowances: int
    tokens: int
    needed: int


@dataclass(frozen=True, slots=True)
class Returned:
    """Tokens that ended allowances returned, or that expired with a pool."""

    tokens: int


@dataclass(frozen=True, slots=True)
class StillHeld:
    """Nothing has expired: the hold was extended, or had ended before."""


HoldSuccess = Held | Settled | Released | Extended | StillHeld
Success = Credited | Charged | Refunded | HoldSuccess | Closed | Issued | Returned
Outcome = Success | ServiceError
