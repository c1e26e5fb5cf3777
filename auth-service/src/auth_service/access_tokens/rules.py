"""What an access token says. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from kit.authentication import AUDIENCE, ISSUER
from kit.identity import Role

Claims = dict[str, object]


@dataclass(frozen=True)
class Subject:
    """The user a token stands for, at the generation it was issued in."""

    user_id: int
    name: str
    role: Role
    generation: int


def session_claims(subject: Subject, session_id: str, now: datetime, lifetime: timedelta) -> Claims:
    """The claims of somebody who logged in."""
    return {**_claims(subject, now, now + lifetime), "sid": session_id}


@dataclass(frozen=True)
class KeyRights:
    """What an API key may do, and the most tokens it may ever spend."""

    id: int
    scopes: Sequence[str]
    token_cap: int | None


def api_key_claims(subject: Subject, key: KeyRights, now: datetime, expires: datetime) -> Claims:
    """The claims of a program that showed an API key."""
    rights = {"id": key.id, "scopes": list(key.scopes), "cap": key.token_cap}
    return {**_claims(subject, now, expires), "api_key": rights}


def _claims(subject: Subject, now: datetime, expires: datetime) -> Claims:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(subject.user_id),
        "name": subject.name,
        "role": subject.role,
        "gen": subject.generation,
        "jti": uuid4().hex,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
    }
