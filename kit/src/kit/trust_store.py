"""Trust store: public keys and revocations for verifying access tokens, polled from auth-service."""

import time
from typing import Protocol, TypeVar

import httpx
import jwt
from pydantic import BaseModel

from kit.background import every
from kit.errors import Unavailable
from kit.service_tokens import ServiceIdentity

# Longer than the lifetime of any access token, and of an API key's.
REVOKED_SESSION_SECONDS = 25 * 3600
REVOKED_API_KEY_SECONDS = 3600

Revoked = TypeVar("Revoked", str, int)


class Revocation(BaseModel):
    """Revokes tokens of a user before a generation, of a session, or of an API key."""

    user_id: int | None = None
    generation: int | None = None
    session_id: str | None = None
    api_key_id: int | None = None


class TrustUpdate(BaseModel):
    cursor: int
    keys: list[dict[str, str]] = []  # public JWKs; empty under HS256
    revocations: list[Revocation] = []


class TrustSource(Protocol):
    async def updates(self, since: int) -> TrustUpdate:
        """All changes after this cursor; earlier changes may be repeated."""
        ...


class HttpTrustSource:
    """Polls auth-service over HTTP."""

    def __init__(self, client: httpx.AsyncClient, identity: ServiceIdentity, auth_url: str) -> None:
        self._client, self._identity, self._url = client, identity, f"{auth_url}/internal/trust"

    async def updates(self, since: int) -> TrustUpdate:
        headers = self._identity.headers_for("auth-service")
        response = await self._client.get(self._url, params={"since": since}, headers=headers, timeout=2)
        response.raise_for_status()
        return TrustUpdate.model_validate_json(response.content)


class TrustStore:
    """Keys and revocations as of the last update; `follow` polls for new ones."""

    def __init__(self) -> None:
        self.keys: dict[str, jwt.PyJWK] = {}
        self._loaded = False
        self._cursor = 0
        self._generations: dict[int, int] = {}
        self._revoked_sessions: dict[str, float] = {}
        self._revoked_api_keys: dict[int, float] = {}

    def require_loaded(self) -> None:
        """Refuse every token before the first update, since a revoked one would be accepted."""
        if not self._loaded:
            raise Unavailable("The service is starting; please retry.")

    def is_revoked(
        self, user_id: int, generation: int, session_id: str | None, api_key_id: int | None
    ) -> bool:
        return (
            generation < self._generations.get(user_id, 0)
            or session_id in self._revoked_sessions
            or api_key_id in self._revoked_api_keys
        )

    def apply(self, update: TrustUpdate) -> None:
        self.keys = {key["kid"]: jwt.PyJWK(dict(key)) for key in update.keys}
        for revocation in update.revocations:
            if revocation.user_id is not None and revocation.generation is not None:
                generation = self._generations.get(revocation.user_id, 0)
                self._generations[revocation.user_id] = max(generation, revocation.generation)
            if revocation.session_id is not None:
                self._revoked_sessions.setdefault(revocation.session_id, time.monotonic())
            if revocation.api_key_id is not None:
                self._revoked_api_keys.setdefault(revocation.api_key_id, time.monotonic())
        _forget_older(self._revoked_sessions, REVOKED_SESSION_SECONDS)
        _forget_older(self._revoked_api_keys, REVOKED_API_KEY_SECONDS)
        self._cursor = update.cursor
        self._loaded = True

    async def refresh(self, source: TrustSource) -> None:
        self.apply(await source.updates(self._cursor))

    async def follow(self, source: TrustSource, seconds: float) -> None:
        """Poll until cancelled; the last update stays in force while auth-service is unavailable."""
        await every(seconds, lambda: self.refresh(source), failure="trust_not_refreshed")


def _forget_older(revoked: dict[Revoked, float], seconds: float) -> None:
    """Delete revocations whose tokens have all expired."""
    long_ago = time.monotonic() - seconds
    # In order of arrival, so the first recent one ends the search.
    while revoked and revoked[oldest := next(iter(revoked))] < long_ago:
        del revoked[oldest]
