"""Who is calling: the access token checked, and what it may do."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, NewType

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from structlog.contextvars import bind_contextvars

from kit.problems import Forbidden, Unauthenticated
from kit.service_tokens import bearer_of
from kit.settings import ServiceSettings
from kit.trust_store import Trust

UserId = NewType("UserId", int)
ApiKeyId = NewType("ApiKeyId", int)
Role = Literal["user", "admin"]
Scope = Literal["read", "train", "predict"]

ISSUER = AUDIENCE = "farebox"
REQUIRED_CLAIMS = ["sub", "name", "role", "gen", "iat", "exp", "iss", "aud"]
CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """The API key behind a token: what it may do, and the most tokens it may ever spend."""

    id: ApiKeyId
    scopes: frozenset[str]
    token_cap: int | None


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: UserId
    name: str
    role: Role
    generation: int
    session_id: str | None
    api_key: ApiKey | None
    expires_at: float

    @property
    def is_admin(self) -> bool:
        return self.role == "admin" and self.api_key is None


class TokenVerifier:
    """Checks a token's signature once, and its expiry and revocation every time."""

    def __init__(self, settings: ServiceSettings, trust: Trust) -> None:
        self._settings, self._trust = settings, trust
        self._known: dict[str, Caller] = {}

    def verify(self, token: str) -> Caller:
        self._trust.require_heard()
        caller = self._known.get(token) or self._decode(token)
        api_key_id = caller.api_key.id if caller.api_key else None
        if caller.expires_at <= time.time():
            raise Unauthenticated("The access token has expired; log in again.")
        if self._trust.is_revoked(caller.user_id, caller.generation, caller.session_id, api_key_id):
            raise Unauthenticated("The access token is no longer valid; log in again.")
        if len(self._known) >= CACHED_TOKENS:
            self._known.clear()
        self._known[token] = caller
        return caller

    def _decode(self, token: str) -> Caller:
        failure: Exception | None = None
        for key in self._candidate_keys(token):
            try:
                return _caller_of(token, key, self._settings.jwt_algorithm)
            except (jwt.InvalidTokenError, KeyError, ValueError, TypeError) as error:
                failure = error
        if isinstance(failure, jwt.ExpiredSignatureError):
            raise Unauthenticated("The access token has expired; log in again.")
        raise Unauthenticated("The access token is not valid; log in again.")

    def _candidate_keys(self, token: str) -> list[jwt.PyJWK | str]:
        if self._settings.jwt_algorithm == "HS256":
            secrets = [self._settings.jwt_secret, self._settings.jwt_secret_previous]
            return [secret.get_secret_value() for secret in secrets if secret is not None]
        try:
            key = self._trust.keys.get(str(jwt.get_unverified_header(token).get("kid")))
        except jwt.InvalidTokenError:
            return []
        return [key] if key is not None else []


def _caller_of(token: str, key: jwt.PyJWK | str, algorithm: str) -> Caller:
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"require": REQUIRED_CLAIMS},
    )
    api_key = claims.get("api_key")
    return Caller(
        user_id=UserId(int(claims["sub"])),
        name=claims["name"],
        role=claims["role"],
        generation=claims["gen"],
        session_id=claims.get("sid"),
        api_key=ApiKey(api_key["id"], frozenset(api_key["scopes"]), api_key["cap"]) if api_key else None,
        expires_at=float(claims["exp"]),
    )


# Only here so that OpenAPI pages show a working Authorize button; `find_caller` does the checking.
_authorize_button = HTTPBearer(auto_error=False, description="An access token or an API key")


# These only compute, yet are async: FastAPI would send plain functions to a thread each.
async def current_caller(
    request: Request, _shown: Annotated[object, Depends(_authorize_button)] = None
) -> Caller:
    verifier: TokenVerifier = request.app.state.verifier
    caller = verifier.verify(bearer_of(request))
    bind_contextvars(user=caller.user_id)
    return caller


def _allowing(scope: Scope | None) -> Callable[[Caller], Awaitable[Caller]]:
    async def check(caller: Annotated[Caller, Depends(current_caller)]) -> Caller:
        if caller.api_key is None or scope in caller.api_key.scopes:
            return caller
        if scope is None:
            raise Forbidden("An API key cannot do this; log in with your password.")
        raise Forbidden(f"This API key lacks the scope '{scope}'; make one that has it.")

    return check


async def _check_admin(caller: Annotated[Caller, Depends(_allowing(None))]) -> Caller:
    if not caller.is_admin:
        raise Forbidden("Only an administrator can do this.")
    return caller


Reader = Annotated[Caller, Depends(_allowing("read"))]
Trainer = Annotated[Caller, Depends(_allowing("train"))]
Predictor = Annotated[Caller, Depends(_allowing("predict"))]
AccountOwner = Annotated[Caller, Depends(_allowing(None))]
Administrator = Annotated[Caller, Depends(_check_admin)]
