"""What the ledger can be asked to do, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.errors import ServiceError
from kit.idempotency import fingerprint
from kit.identity import ApiKeyId, UserId


@dataclass(frozen=True, slots=True)
class KeyCap:
    """The API key that spends, and the most it may ever spend."""

    id: ApiKeyId
    token_cap: int | None


@dataclass(frozen=True, slots=True)
class OpenWallet:
    """Give a new user a wallet; the grant is for the first owner of a name only, which the key stands for."""

    user_id: UserId
    key: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Grant:
    user_id: UserId
    key: str
    tokens: int
    reason: str
    granted_by: UserId

    @property
    def input_hash(self) -> bytes:
        return fingerprint("grant", self.user_id, self.tokens, self.reason)


@dataclass(frozen=True, slots=True)
class Buy:
    """Tokens that a card has paid for."""

    user_id: UserId
    key: str
    tokens: int
    card_brand: str
    card_last_four: str

    @property
    def input_hash(self) -> bytes:
        return fingerprint("purchase", self.user_id, self.tokens, self.card_brand, self.card_last_four)


@dataclass(frozen=True, slots=True)
class PlaceHold:
    user_id: UserId
    key: str
    action: str
    units: int
    ttl_seconds: int
    resource: str | None = None
    api_key: KeyCap | None = None
    quote_id: UUID | None = None

    @property
    def input_hash(self) -> bytes:
        api_key_id = self.api_key.id if self.api_key else None
        return fingerprint(self.user_id, self.action, self.units, self.resource, api_key_id, self.quote_id)


@dataclass(frozen=True, slots=True)
class Settle:
    hold: str
    tokens: int | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Release:
    hold: str


@dataclass(frozen=True, slots=True)
class Extend:
    hold: str
    ttl_seconds: int


@dataclass(frozen=True, slots=True)
class Expire:
    """Give back what a hold set aside, if its time is over and nobody ended it."""

    hold: str


@dataclass(frozen=True, slots=True)
class CloseWallet:
    user_id: UserId


WalletMovement = OpenWallet | Grant | Buy | PlaceHold | CloseWallet
HoldMovement = Settle | Release | Extend | Expire
Movement = WalletMovement | HoldMovement


@dataclass(frozen=True, slots=True)
class Credited:
    """Tokens came in; none when the wallet of a returning name was opened."""

    tokens: int
    available: int
    receipt_id: UUID | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class Work:
    """Whose work a hold was for."""

    user_id: int
    action: str
    resource: str | None


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
    """The wallet is closed, now or before."""


@dataclass(frozen=True, slots=True)
class StillHeld:
    """Nothing to expire."""


Done = Credited | Held | Settled | Released | Extended | Closed | StillHeld
Outcome = Done | ServiceError
