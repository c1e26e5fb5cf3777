"""Hostile Authorization headers; all must be refused."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
from pydantic import SecretStr

from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings
from tests.support.hostile.files import MARKER
from tests.support.people import Person
from tests.support.stack import Stack

OTHER_SECRET = "b41c9e57a0d2f6834ce19b7d50fa2638"


@dataclass(frozen=True)
class Forge:
    """Forges tokens with the most that an attacker could know: the real secret and a real user."""

    stack: Stack
    user: Person

    def token(self, secret: str | None = None, algorithm: str = "HS256", **changed: object) -> str:
        """The user's token, signed again with changed claims; None removes a claim."""
        claims = jwt.decode(self.user.credential, options={"verify_signature": False}) | changed
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, secret or self.stack.jwt_secret, algorithm=algorithm)

    def unsigned(self) -> str:
        claims = jwt.decode(self.user.credential, options={"verify_signature": False})
        parts = [{"alg": "none", "typ": "JWT"}, {**claims, "role": "admin"}]
        return ".".join([*(_encode(json.dumps(part)) for part in parts), ""])

    def service_token(self) -> str:
        settings = ServiceSettings(
            jwt_secret=SecretStr(self.stack.jwt_secret), service_secret=SecretStr(self.stack.service_secret)
        )
        return ServiceIdentity(settings, "ml-service").headers_for("gateway")["Authorization"][7:]

    def altered(self) -> str:
        """The user's token with another role and the old signature."""
        head, body, signature = self.user.credential.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        return ".".join([head, _encode(json.dumps({**claims, "role": "admin"})), signature])


@dataclass(frozen=True)
class HostileCredential:
    """`write` returns the header's value, or None to send no header."""

    name: str
    write: Callable[[Forge], str | None]


def _bearer(name: str, make: Callable[[Forge], str]) -> HostileCredential:
    return HostileCredential(name, lambda forge: f"Bearer {make(forge)}")


def _encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


CREDENTIALS = [
    HostileCredential("none", lambda _: None),
    HostileCredential("empty", lambda _: ""),
    HostileCredential("bearer_of_nothing", lambda _: "Bearer"),
    HostileCredential("basic", lambda _: f"Basic {_encode(f'{MARKER}:{MARKER}')}"),
    HostileCredential("token_without_a_scheme", lambda forge: forge.token()),
    HostileCredential("two_tokens", lambda forge: f"Bearer {forge.token()}, Bearer {forge.token()}"),
    _bearer("garbage", lambda _: MARKER),
    _bearer("three_dots", lambda _: f"{MARKER}.{MARKER}.{MARKER}"),
    _bearer("a_novel", lambda _: MARKER * 3000),
    _bearer("unsigned", lambda forge: forge.unsigned()),
    _bearer("altered", lambda forge: forge.altered()),
    _bearer("another_secret", lambda forge: forge.token(OTHER_SECRET)),
    _bearer("another_algorithm", lambda forge: forge.token(algorithm="HS512")),
    _bearer("expired", lambda forge: forge.token(exp=int(time.time()) - 1)),
    _bearer("no_expiry", lambda forge: forge.token(exp=None)),
    _bearer("another_audience", lambda forge: forge.token(aud="billing-service")),
    _bearer("another_issuer", lambda forge: forge.token(iss=MARKER)),
    _bearer("subject_that_is_text", lambda forge: forge.token(sub=MARKER)),
    _bearer("no_subject", lambda forge: forge.token(sub=None)),
    _bearer("no_generation", lambda forge: forge.token(gen=None)),
    _bearer("service_token", lambda forge: forge.service_token()),
    _bearer("unknown_api_key", lambda _: "fbx_" + MARKER * 4),
    _bearer("broken_api_key", lambda _: "fbx_"),
]
