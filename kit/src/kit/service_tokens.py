"""How one service knows that another is calling: a short-lived token with an audience."""

import time
from typing import Annotated

import jwt
from fastapi import Depends, Request

from kit.problems import Unauthenticated
from kit.request_context import outgoing_headers
from kit.settings import ServiceSettings

ISSUER = "farebox-services"
LIFETIME_SECONDS = 60
RENEW_BEFORE_SECONDS = 20
REMEMBERED_TOKENS = 1000


class ServiceIdentity:
    """Signs this service's calls to others and checks theirs."""

    def __init__(self, settings: ServiceSettings, name: str) -> None:
        self.name = name
        self._key = settings.service_key
        self._signed: dict[str, tuple[str, float]] = {}
        self._verified: dict[str, tuple[str, float]] = {}

    def headers_for(self, audience: str) -> dict[str, str]:
        """What a call to another service carries: this service's token, the request id and the trace."""
        return {"Authorization": f"Bearer {self._token_for(audience)}", **outgoing_headers()}

    def verify(self, token: str) -> str:
        """The calling service's name, or Unauthenticated. A signature is checked once, its expiry always."""
        caller, expires = self._verified.get(token, ("", 0.0))
        if expires > time.time():
            return caller
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=self.name,
                issuer=ISSUER,
                options={"require": ["exp", "aud", "iss", "sub"]},
            )
        except jwt.InvalidTokenError:
            raise Unauthenticated("This route is for Farebox's own services.") from None
        if len(self._verified) >= REMEMBERED_TOKENS:
            self._verified.clear()
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


def bearer_of(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "Send an access token as 'Authorization: Bearer ...'; POST /v1/sessions gives one."
        )
    return token.strip()


async def require_service(request: Request) -> str:
    identity: ServiceIdentity = request.app.state.identity
    return identity.verify(bearer_of(request))


CallingService = Annotated[str, Depends(require_service)]
