"""Authentication of callers: verification of access tokens, and FastAPI dependencies that require one."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import jwt
from cachetools import LRUCache
from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from kit.errors import Forbidden, Unauthenticated
from kit.fields import check_decimal_id
from kit.identity import AUDIENCE, ISSUER, LARGEST_CLOCK_SKEW, ApiKey, Caller, UserId
from kit.log_fields import bind_fields
from kit.service_tokens import ServiceIdentity, parse_bearer
from kit.settings import ServiceSettings
from kit.trust_store import HttpTrustSource, TrustSource, TrustStore

REQUIRED_CLAIMS = ["sub", "role", "gen", "iat", "exp", "iss", "aud"]
CACHED_TOKENS = 10_000
# Three parts without padding. PyJWT would also decode other spellings of the same token.
COMPACT_TOKEN = re.compile(r"\A[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}\Z")
LONGEST_TOKEN = 4096
# No token lives longer: revocations are stored for this long only.
LONGEST_LIFETIME_SECONDS = 24 * 3600


class TokenVerifier:
    """Verifies a token's signature once, and its expiry and revocation every time."""

    def __init__(self, settings: ServiceSettings, trust: TrustStore) -> None:
        self._settings, self._trust = settings, trust
        self._callers: LRUCache[str, Caller] = LRUCache(CACHED_TOKENS)

    def verify(self, token: str) -> Caller:
        self._trust.require_loaded()
        caller = self._callers.get(token) or self._decode(token)
        api_key_id = caller.api_key.id if caller.api_key else None
        if caller.expires_at <= time.time():
            raise Unauthenticated("The access token has expired; log in again.")
        if self._trust.is_revoked(caller.user_id, caller.generation, caller.session_id, api_key_id):
            raise Unauthenticated("The access token is no longer valid; log in again.")
        self._callers[token] = caller
        return caller

    def _decode(self, token: str) -> Caller:
        if len(token) > LONGEST_TOKEN or COMPACT_TOKEN.fullmatch(token) is None:
            raise Unauthenticated("The access token is not valid; log in again.")
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
    """Raises InvalidTokenError, or ValueError, KeyError or TypeError for claims that we do not issue."""
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        # PyJWT's own check of `iat` allows clocks no difference.
        options={"require": REQUIRED_CLAIMS, "verify_iat": False},
    )
    _check_times(claims["iat"], claims["exp"])
    return Caller(
        user_id=UserId(int(check_decimal_id(claims["sub"]))),
        role=claims["role"],
        generation=claims["gen"],
        session_id=claims.get("sid"),
        api_key=_api_key_of(claims),
        expires_at=float(claims["exp"]),
    )


def _api_key_of(claims: Mapping[str, Any]) -> ApiKey | None:  # Any: JSON
    rights = claims.get("api_key")
    if not rights:
        return None
    group_id = claims.get("group_id")
    if group_id is not None and type(group_id) is not int:
        raise TypeError("the group is named by its id")
    return ApiKey(rights["id"], frozenset(rights["scopes"]), rights["cap"], group_id)


def _check_times(issued_at: object, expires_at: object) -> None:
    if not (type(issued_at) is int and type(expires_at) is int):
        raise ValueError("times are whole seconds")
    if issued_at > time.time() + LARGEST_CLOCK_SKEW or expires_at - issued_at > LONGEST_LIFETIME_SECONDS:
        raise ValueError("times are not those of an issued token")


@dataclass(frozen=True)
class Authentication:
    """A service's own identity, its trust store, and the verifier that uses the store."""

    identity: ServiceIdentity
    trust: TrustStore
    verifier: TokenVerifier
    poll_seconds: float

    @classmethod
    def create(cls, settings: ServiceSettings, service: str) -> "Authentication":
        trust = TrustStore()
        verifier = TokenVerifier(settings, trust)
        return cls(ServiceIdentity(settings, service), trust, verifier, settings.trust_poll_seconds)

    async def follow(self, source: TrustSource) -> None:
        await self.trust.follow(source, self.poll_seconds)

    async def follow_auth_service(self, client: httpx.AsyncClient, auth_url: str) -> None:
        await self.follow(HttpTrustSource(client, self.identity, auth_url))


# Adds the Authorize button to OpenAPI pages; `current_caller` verifies the token.
_authorize_button = HTTPBearer(auto_error=False, description="An access token or an API key")


def authenticate(authentication: Authentication, authorization: str, scope: str | None) -> Caller:
    """The caller of an Authorization header; an API key needs this scope, and None refuses API keys.

    Raises Unauthenticated or Forbidden.
    """
    caller = _identify(authentication, authorization)
    _check_scope(caller, scope)
    return caller


def _identify(authentication: Authentication, authorization: str) -> Caller:
    caller = authentication.verifier.verify(parse_bearer(authorization))
    bind_fields(user=caller.user_id)
    return caller


def _check_scope(caller: Caller, scope: str | None) -> None:
    if caller.api_key is None or scope in caller.api_key.scopes:
        return
    if scope is None:
        raise Forbidden("An API key cannot do this; log in with your password.")
    raise Forbidden(f"This API key lacks the scope '{scope}'; create one that has it.")


# Async although they do not wait, since FastAPI runs each plain function in a thread.
async def current_caller(
    request: Request, _shown: Annotated[object, Depends(_authorize_button)] = None
) -> Caller:
    return _identify(_authentication_of(request), request.headers.get("authorization", ""))


def require_scope(scope: str | None) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that returns the caller. An API key needs this scope; None refuses API keys."""

    async def check(caller: Annotated[Caller, Depends(current_caller)]) -> Caller:
        _check_scope(caller, scope)
        return caller

    return check


async def _require_admin(caller: Annotated[Caller, Depends(require_scope(None))]) -> Caller:
    if not caller.is_admin:
        raise Forbidden("Only an administrator can do this.")
    return caller


async def require_service(request: Request) -> str:
    authorization = request.headers.get("authorization", "")
    return _authentication_of(request).identity.verify(parse_bearer(authorization))


def _authentication_of(request: Request) -> Authentication:
    return request.app.state.container.authentication


Reader = Annotated[Caller, Depends(require_scope("read"))]
AccountOwner = Annotated[Caller, Depends(require_scope(None))]
Administrator = Annotated[Caller, Depends(_require_admin)]
CallingService = Annotated[str, Depends(require_service)]
