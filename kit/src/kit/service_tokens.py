"""Service tokens: short-lived tokens with which one service authenticates to another."""

import time

import jwt
from cachetools import LRUCache

from kit.errors import Unauthenticated
from kit.identity import LARGEST_CLOCK_SKEW
from kit.request_context import outgoing_headers
from kit.settings import ServiceSettings

ISSUER = "farebox-services"
LIFETIME_SECONDS = 60
RENEW_BEFORE_SECONDS = 20
CACHED_TOKENS = 1000


class ServiceIdentity:
    """Signs this service's tokens and verifies those of other services."""

    def __init__(self, settings: ServiceSettings, name: str) -> None:
        self.name = name
        self._key = settings.service_key
        self._signed: dict[str, tuple[str, float]] = {}
        self._verified: LRUCache[str, tuple[str, float]] = LRUCache(CACHED_TOKENS)

    def headers_for(self, audience: str) -> dict[str, str]:
        """Headers for a call to another service: this service's token, the request id and the trace."""
        return {"Authorization": f"Bearer {self._token_for(audience)}", **outgoing_headers()}

    def verify(self, token: str) -> str:
        """The calling service's name; raises Unauthenticated. Valid tokens are cached until they expire."""
        caller, expires = self._verified.get(token, ("", 0.0))
        if expires + LARGEST_CLOCK_SKEW > time.time():
            return caller
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=self.name,
                issuer=ISSUER,
                leeway=LARGEST_CLOCK_SKEW,
                options={"require": ["exp", "aud", "iss", "sub"], "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            raise Unauthenticated("This route is for Farebox's own services.") from None
        caller = str(claims["sub"])
        self._verified[token] = (caller, float(claims["exp"]))
        return caller

    def _token_for(self, audience: str) -> str:
        now = time.time()
        token, expires = self._signed.get(audience, ("", 0.0))
        if expires - now > RENEW_BEFORE_SECONDS:
            return token
        expires = now + LIFETIME_SECONDS
        claims = {"iss": ISSUER, "sub": self.name, "aud": audience, "iat": int(now), "exp": int(expires)}
        token = jwt.encode(claims, self._key, algorithm="HS256")
        self._signed[audience] = (token, expires)
        return token


def parse_bearer(authorization: str) -> str:
    """The token in the value of an Authorization header; raises Unauthenticated."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Send an access token as 'Authorization: Bearer ...'; get one from POST /v1/sessions."
        )
    return token.strip()
