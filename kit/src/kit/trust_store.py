"""The trust store: public keys and revocations for verifying access tokens, polled from auth-service."""

import time
from typing import Protocol

import httpx
import jwt
from pydantic import BaseModel

from kit.background import every
from kit.errors import Unavailable
from kit.service_tokens import ServiceIdentity

# Longer than any access token lives.
SESSIONS_REMEMBERED_SECONDS = 25 * 3600


class Revocation(BaseModel):
    """Tokens of this user issued before this generation, of this session, or of this API key, are dead."""

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
        """All changes after this cursor; some may be repeated."""
        ...


class HttpTrustSource:
    """Polls auth-service over HTTP."""

    def __init__(self, client: httpx.AsyncClient, identity: ServiceIdentity, auth_url: str) -> None:
        self._client, self._identity, self._url = client, identity, f"{auth_url}/internal/trust"

    async def updates(self, since: int) -> TrustUpdate:
        headers = self._identity.headers_for("auth-service")
        answer = await self._client.get(self._url, params={"since": since}, headers=headers, timeout=2)
        answer.raise_for_status()
        return TrustUpdate.model_validate_json(answer.content)


class TrustStore:
    """Keys and revocations as of the last update, kept fresh by `follow`."""

    def __init__(self) -> None:
        self.keys: dict[str, jwt.PyJWK] = {}
        self._loaded = False
        self._cursor = 0
        self._generations: dict[int, int] = {}
        self._dead_sessions: dict[str, float] = {}
        self._dead_api_keys: set[int] = set()

    def require_loaded(self) -> None:
        """Refuse every token before the first update: a revoked one would pass."""
        if not self._loaded:
            raise Unavailable("The service is starting; please retry.")

    def is_revoked(
        self, user_id: int, generation: int, session_id: str | None, api_key_id: int | None
    ) -> bool:
        return (
            generation < self._generations.get(user_id, 0)
            or session_id in self._dead_sessions
            or api_key_id in self._dead_api_keys
        )

    def apply(self, update: TrustUpdate) -> None:
        self.keys = {key["kid"]: jwt.PyJWK(dict(key)) for key in update.keys}
        for each in update.revocations:
            if each.user_id is not None and each.generation is not None:
                known = self._generations.get(each.user_id, 0)
                self._generations[each.user_id] = max(known, each.generation)
            if each.session_id is not None:
                self._dead_sessions.setdefault(each.session_id, time.monotonic())
            if each.api_key_id is not None:
                self._dead_api_keys.add(each.api_key_id)
        self._forget_sessions()
        self._cursor = update.cursor
        self._loaded = True

    def _forget_sessions(self) -> None:
        """Drop sessions whose tokens have all expired."""
        long_ago = time.monotonic() - SESSIONS_REMEMBERED_SECONDS
        # In order of arrival, so the first recent one ends the search.
        while self._dead_sessions and self._dead_sessions[next(iter(self._dead_sessions))] < long_ago:
            del self._dead_sessions[next(iter(self._dead_sessions))]

    async def refresh(self, source: TrustSource) -> None:
        self.apply(await source.updates(self._cursor))

    async def follow(self, source: TrustSource, seconds: float) -> None:
        """Poll for ever; the last update stays in force while auth-service is unavailable."""
        await every(seconds, lambda: self.refresh(source), failure="trust_not_refreshed")
