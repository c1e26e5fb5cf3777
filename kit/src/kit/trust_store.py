"""What a verifier must know to trust a token: public keys, and who was revoked since it was issued."""

import asyncio
import time
from typing import Protocol

import httpx
import jwt
import structlog
from pydantic import BaseModel

from kit.outages import describe_outage
from kit.problems import Unavailable
from kit.service_tokens import ServiceIdentity

# Longer than any access token lives.
SESSIONS_REMEMBERED_SECONDS = 25 * 3600

log = structlog.stdlib.get_logger()


class Revocation(BaseModel):
    """Tokens of this user issued before this generation, of this session, or of this API key, are dead."""

    user_id: int | None = None
    generation: int | None = None
    session_id: str | None = None
    api_key_id: int | None = None


class TrustNews(BaseModel):
    cursor: int
    keys: list[dict[str, str]] = []  # public JWKs; empty under HS256
    revocations: list[Revocation] = []


class TrustSource(Protocol):
    async def news(self, since: int) -> TrustNews:
        """Everything learnt after this cursor; some of it may be repeated."""
        ...


class AuthServiceTrust:
    """Asks auth-service over HTTP."""

    def __init__(self, client: httpx.AsyncClient, identity: ServiceIdentity, auth_url: str) -> None:
        self._client, self._identity, self._url = client, identity, f"{auth_url}/internal/trust"

    async def news(self, since: int) -> TrustNews:
        headers = self._identity.headers_for("auth-service")
        answer = await self._client.get(self._url, params={"since": since}, headers=headers, timeout=2)
        answer.raise_for_status()
        return TrustNews.model_validate_json(answer.content)


class Trust:
    """Keys and revocations as last heard, kept fresh by `follow`."""

    def __init__(self) -> None:
        self.keys: dict[str, jwt.PyJWK] = {}
        self._heard = False
        self._cursor = 0
        self._generations: dict[int, int] = {}
        self._dead_sessions: dict[str, float] = {}
        self._dead_api_keys: set[int] = set()

    def require_heard(self) -> None:
        """Refuses to judge a token before the first news: a revoked one would pass."""
        if not self._heard:
            raise Unavailable("The service is starting; please retry.")

    def is_revoked(
        self, user_id: int, generation: int, session_id: str | None, api_key_id: int | None
    ) -> bool:
        return (
            generation < self._generations.get(user_id, 0)
            or session_id in self._dead_sessions
            or api_key_id in self._dead_api_keys
        )

    def learn(self, news: TrustNews) -> None:
        self.keys = {key["kid"]: jwt.PyJWK(dict(key)) for key in news.keys}
        for each in news.revocations:
            if each.user_id is not None and each.generation is not None:
                known = self._generations.get(each.user_id, 0)
                self._generations[each.user_id] = max(known, each.generation)
            if each.session_id is not None:
                self._dead_sessions.setdefault(each.session_id, time.monotonic())
            if each.api_key_id is not None:
                self._dead_api_keys.add(each.api_key_id)
        self._forget_sessions()
        self._cursor = news.cursor
        self._heard = True

    def _forget_sessions(self) -> None:
        """Their tokens have expired by now, so there is nothing left to refuse."""
        long_ago = time.monotonic() - SESSIONS_REMEMBERED_SECONDS
        # In the order in which they were heard of, so the first that is recent ends the search.
        while self._dead_sessions and self._dead_sessions[next(iter(self._dead_sessions))] < long_ago:
            del self._dead_sessions[next(iter(self._dead_sessions))]

    async def refresh(self, source: TrustSource) -> None:
        self.learn(await source.news(self._cursor))

    async def follow(self, source: TrustSource, every: float) -> None:
        """Learn forever; what was heard last stays in force while auth-service is away."""
        while True:
            try:
                await self.refresh(source)
            except Exception as error:
                # A poll that fails for whatever reason must not end the loop that revocation depends on.
                log.warning("trust_not_refreshed", error=type(error).__name__, outage=describe_outage(error))
            await asyncio.sleep(every)
