"""API keys turned into short-lived access tokens: behind the gateway there is one kind of credential."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Protocol

PREFIX = "fbx_"
LONGEST_KEY = 200
KEPT_SECONDS = 60.0
MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Exchanged:
    access_token: str
    expires_in: float


class KeyExchange(Protocol):
    """The part of auth-service that judges API keys."""

    async def exchange(self, api_key: str) -> Exchanged:
        """A token that stands for the key; raises Unauthenticated when the key is not good."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    access_token: str
    until: float


class ApiKeys:
    """Remembers exchanges by the key's hash; what fails is asked again the next time."""

    def __init__(self, exchange: KeyExchange) -> None:
        self._exchange = exchange
        self._kept: dict[bytes, Kept] = {}
        self._asking: dict[bytes, asyncio.Future[str]] = {}

    def kept_token(self, api_key: str) -> str | None:
        kept = self._kept.get(_digest(api_key))
        return kept.access_token if kept is not None and kept.until > time.monotonic() else None

    async def ask(self, api_key: str) -> str:
        """Exchange the key, once however many requests ask at the same time."""
        digest = _digest(api_key)
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(digest, api_key))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _done: self._asking.pop(digest, None))
        # A caller who leaves must not take the answer away from the others who wait for it.
        return await asyncio.shield(asking)

    def forget(self, api_key: str) -> None:
        self._kept.pop(_digest(api_key), None)

    async def _ask(self, digest: bytes, api_key: str) -> str:
        exchanged = await self._exchange.exchange(api_key)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        until = time.monotonic() + min(KEPT_SECONDS, exchanged.expires_in / 2)
        self._kept[digest] = Kept(exchanged.access_token, until)
        return exchanged.access_token


def _digest(api_key: str) -> bytes:
    return hashlib.sha256(api_key.encode()).digest()
