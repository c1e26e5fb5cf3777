"""Rules for the claims of access tokens and the lifetime of signing keys. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from kit.identity import AUDIENCE, ISSUER, Role

Claims = dict[str, object]


@dataclass(frozen=True)
class Subject:
    """The user of a token, with the generation at its issue."""

    user_id: int
    role: Role
    generation: int


@dataclass(frozen=True)
class KeyRights:
    """Scopes, token cap and paying group of an API key."""

    id: int
    scopes: Sequence[str]
    token_cap: int | None
    group_id: int | None = None


def session_claims(subject: Subject, session_id: str, now: datetime, lifetime: timedelta) -> Claims:
    """The claims of a user who logged in."""
    return {**_claims(subject, now, now + lifetime), "sid": session_id}


def api_key_claims(subject: Subject, key: KeyRights, now: datetime, expires: datetime) -> Claims:
    """The claims of a program that sent an API key."""
    rights = {"id": key.id, "scopes": list(key.scopes), "cap": key.token_cap}
    payer = {} if key.group_id is None else {"group_id": key.group_id}
    return {**_claims(subject, now, expires), "api_key": rights, **payer}


def _claims(subject: Subject, now: datetime, expires: datetime) -> Claims:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject.user_id),
        "role": subject.role,
        "gen": subject.generation,
        "jti": uuid4().hex,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
    }


@dataclass(frozen=True)
class KeyTimes:
    """Times of a signing key: published at once, signing later, published until its last token expires."""

    id: str
    signs_from: datetime
    published_until: datetime | None


def signer_among(keys: Sequence[KeyTimes], now: datetime) -> KeyTimes | None:
    """The newest key that may sign now."""
    ready = [key for key in keys if key.signs_from <= now]
    return max(ready, key=lambda key: key.signs_from, default=None)


def is_published(key: KeyTimes, now: datetime) -> bool:
    """True from creation until the last token signed with the key has expired."""
    return key.published_until is None or key.published_until > now


def successor_due(keys: Sequence[KeyTimes], now: datetime, longest_service: timedelta) -> bool:
    """True once the newest key has been signing for its full term."""
    newest = max((key.signs_from for key in keys), default=None)
    return newest is None or newest + longest_service <= now


def public_jwk(key_id: str, public_key: str) -> dict[str, str]:
    """The public key as a JSON Web Key (RFC 8037)."""
    return {"kty": "OKP", "crv": "Ed25519", "x": public_key, "kid": key_id, "alg": "EdDSA", "use": "sig"}
