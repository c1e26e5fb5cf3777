"""When a signing key signs, is published and is due for its successor. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class KeyTimes:
    """A key's life: published when it is made, signing later, published until its last token is dead."""

    id: str
    signs_from: datetime
    published_until: datetime | None


def signer_among(keys: Sequence[KeyTimes], now: datetime) -> KeyTimes | None:
    """The newest key whose time to sign has come."""
    ready = [key for key in keys if key.signs_from <= now]
    return max(ready, key=lambda key: key.signs_from, default=None)


def is_published(key: KeyTimes, now: datetime) -> bool:
    """True while it may have signed a living token, or soon will sign one."""
    return key.published_until is None or key.published_until > now


def successor_due(keys: Sequence[KeyTimes], now: datetime, longest_service: timedelta) -> bool:
    """True when even the newest key has signed for long enough."""
    newest = max((key.signs_from for key in keys), default=None)
    return newest is None or newest + longest_service <= now


def public_jwk(key_id: str, public_key: str) -> dict[str, str]:
    """The public key as verifiers read it (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": public_key, "kid": key_id, "alg": "EdDSA", "use": "sig"}
