"""How the services behind the gateway are, as each of them says itself."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from gateway.health.rules import Load, read_load
from gateway.routing import Upstream

LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """One service; `detail` says what is wrong when it is not ready."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None = None


class Health:
    def __init__(self, client: httpx.AsyncClient, urls: Mapping[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def parts(self) -> list[Part]:
        """Every service, all asked at once."""
        return await asyncio.gather(*(self._look_at(part) for part in self._urls))

    async def load(self) -> Load:
        """What there is to do, and who does it; it is unknown when ml-service does not tell."""
        answer = await self._get(Upstream.ML, "/metrics")
        return read_load(answer.text) if answer is not None and answer.is_success else Load()

    async def _look_at(self, part: Upstream) -> Part:
        began = time.monotonic()
        answer = await self._get(part, "/readyz")
        taken = round((time.monotonic() - began) * 1000, 1)
        return Part(f"{part.value}-service", answer is not None and answer.is_success, taken, _fault(answer))

    async def _get(self, part: Upstream, path: str) -> httpx.Response | None:
        try:
            return await self._client.get(self._urls[part] + path, timeout=LOOK_SECONDS)
        except httpx.TransportError:
            return None


def _fault(answer: httpx.Response | None) -> str | None:
    if answer is None:
        return "It cannot be reached."
    return None if answer.is_success else "It is there, but cannot do its work; its log says why."
