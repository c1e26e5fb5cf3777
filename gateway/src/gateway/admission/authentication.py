"""Authentication: verify the access token or API key of a request before forwarding it.

An API key is exchanged for a short-lived access token, so services behind the gateway accept tokens only.
"""

import hashlib
import time
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import httpx
from cachetools import TLRUCache

from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.trusted_proxies import Origin
from gateway.errors import UpstreamDown
from gateway.routing import LimitClass
from kit.authentication import TokenVerifier
from kit.background import SingleFlight
from kit.errors import Unauthenticated
from kit.identity import UserId
from kit.service_tokens import ServiceIdentity

PREFIX = "fbx_"
LONGEST_KEY = 200
CACHE_SECONDS = 60.0
MAX_CACHED_TOKENS = 10_000
EXCHANGE_SECONDS = 2.0


class AuthenticatedCaller(NamedTuple):
    """The caller, and the Authorization header for the upstream if the client sent an API key."""

    user_id: UserId
    exchanged_authorization: str | None


class Authenticator:
    def __init__(self, verifier: TokenVerifier, tokens: "ApiKeyTokens", rate_limiter: RateLimiter) -> None:
        self._verifier, self._tokens, self._rate_limiter = verifier, tokens, rate_limiter

    async def authenticate(self, authorization: bytes, origin: Origin) -> AuthenticatedCaller:
        """Raises Unauthenticated, or TooManyRequests for an address that sends many invalid credentials."""
        try:
            scheme, _, credential = authorization.decode("latin-1").partition(" ")
            credential = credential.strip()
            if scheme.lower() != "bearer" or not credential:
                raise Unauthenticated(
                    "Send an access token as 'Authorization: Bearer ...'; get one from POST /v1/sessions."
                )
            if credential.startswith(PREFIX):
                return await self._authenticate_api_key(credential, origin)
            return AuthenticatedCaller(self._verifier.verify(credential).user_id, None)
        except Unauthenticated:
            self._rate_limiter.take(LimitClass.INVALID_TOKEN, origin.rate_limit_key)
            raise

    async def _authenticate_api_key(self, api_key: str, origin: Origin) -> AuthenticatedCaller:
        if (cached := self._tokens.cached(api_key)) is not None:
            try:
                return self._authenticate_exchanged(cached)
            except Unauthenticated:
                # Its owner's tokens were revoked, as by a new password; the key itself may still be valid.
                self._tokens.forget(api_key)
        if len(api_key) > LONGEST_KEY:
            raise Unauthenticated("The API key is not valid; copy all of it and nothing else.")
        # Each guessed key costs an exchange, so exchanges are rate-limited by address.
        self._rate_limiter.take(LimitClass.API_KEY, origin.rate_limit_key)
        token = await self._tokens.exchange(api_key)
        try:
            return self._authenticate_exchanged(token)
        except Unauthenticated:
            self._tokens.forget(api_key)
            raise Unauthenticated("The API key has expired or been revoked; create a new one.") from None

    def _authenticate_exchanged(self, token: str) -> AuthenticatedCaller:
        return AuthenticatedCaller(self._verifier.verify(token).user_id, f"Bearer {token}")


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    access_token: str
    expires_in: float


class ApiKeyExchange(Protocol):
    """Port to auth-service, which verifies API keys."""

    async def exchange(self, api_key: str) -> ExchangedToken:
        """An access token for the key; raises Unauthenticated when the key is not valid."""
        ...


@dataclass(frozen=True, slots=True)
class CachedToken:
    access_token: str
    expires_at: float


class ApiKeyTokens:
    """Access tokens of API keys, cached by the key's hash. A failed exchange is never cached."""

    def __init__(self, exchange: ApiKeyExchange) -> None:
        self._exchange = exchange
        self._cache: TLRUCache[bytes, CachedToken] = TLRUCache(
            MAX_CACHED_TOKENS, lambda _key, token, _now: token.expires_at, timer=time.monotonic
        )
        self._exchanges: SingleFlight[bytes, str] = SingleFlight()

    def cached(self, api_key: str) -> str | None:
        token = self._cache.get(_digest(api_key))
        return token.access_token if token is not None else None

    async def exchange(self, api_key: str) -> str:
        """The key's new token; concurrent calls for one key share one exchange."""
        digest = _digest(api_key)
        return await self._exchanges.run(digest, lambda: self._exchange_and_cache(digest, api_key))

    def forget(self, api_key: str) -> None:
        self._cache.pop(_digest(api_key), None)

    async def _exchange_and_cache(self, digest: bytes, api_key: str) -> str:
        exchanged = await self._exchange.exchange(api_key)
        expires_at = time.monotonic() + min(CACHE_SECONDS, exchanged.expires_in / 2)
        self._cache[digest] = CachedToken(exchanged.access_token, expires_at)
        return exchanged.access_token


def _digest(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode()).digest()


class HttpApiKeyExchange:
    def __init__(self, client: httpx.AsyncClient, identity: ServiceIdentity, auth_url: str) -> None:
        self._client, self._identity = client, identity
        self._url = f"{auth_url}/internal/api-keys/exchange"

    async def exchange(self, api_key: str) -> ExchangedToken:
        headers = self._identity.headers_for("auth-service")
        body = {"api_key": api_key}
        try:
            response = await self._client.post(
                self._url, json=body, headers=headers, timeout=EXCHANGE_SECONDS
            )
        except httpx.TransportError as error:
            raise UpstreamDown from error
        # The other 4xx responses concern the key's shape; they reveal no more than a wrong key does.
        if 400 <= response.status_code < 500:
            raise Unauthenticated(
                "The API key is not valid, or has expired or been revoked; create a new one."
            )
        if not response.is_success:
            raise UpstreamDown
        token = response.json()
        return ExchangedToken(token["access_token"], token["expires_in"])
