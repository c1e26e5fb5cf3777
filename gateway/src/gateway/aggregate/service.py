"""Answers put together from what several services say about the same thing."""

import asyncio
from dataclasses import dataclass

import httpx
import orjson

from gateway.errors import UpstreamDown
from gateway.routing import Upstream
from kit.request_context import outgoing_headers

PARTS = (Upstream.AUTH, Upstream.BILLING, Upstream.ML)
EXPORT_SECONDS = 50.0
LIMITS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Joined:
    """What the gateway answers; a part's refusal is passed on as it is."""

    status: int
    media_type: str
    content: bytes


class Siblings:
    def __init__(self, client: httpx.AsyncClient, urls: dict[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def export(self, authorization: str) -> Joined:
        """Everything that each service keeps about the caller."""
        answers = await asyncio.gather(
            *(self._get(part, "/v1/me/export", EXPORT_SECONDS, authorization) for part in PARTS)
        )
        for answer in answers:
            if not answer.is_success:
                return Joined(answer.status_code, answer.headers["content-type"], answer.content)
        parts = {
            part.value: orjson.Fragment(answer.content) for part, answer in zip(PARTS, answers, strict=True)
        }
        return Joined(200, "application/json", orjson.dumps(parts))

    async def limits(self) -> dict[str, object]:
        answer = await self._get(Upstream.ML, "/v1/limits", LIMITS_SECONDS)
        if not answer.is_success:
            raise UpstreamDown
        return answer.json()

    async def _get(
        self, part: Upstream, path: str, seconds: float, authorization: str | None = None
    ) -> httpx.Response:
        headers = outgoing_headers()
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            return await self._client.get(self._urls[part] + path, headers=headers, timeout=seconds)
        except httpx.TransportError as error:
            raise UpstreamDown from error
