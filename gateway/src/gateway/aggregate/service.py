"""Answers combined from several services: a user's export and the table of limits."""

import asyncio
from dataclasses import dataclass

import httpx
import orjson

from gateway.errors import UpstreamDown
from gateway.routing import Upstream
from kit.request_context import outgoing_headers

EXPORT_SECONDS = 50.0
LIMITS_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Export:
    """The combined document, or the error answer of one service, passed on unchanged."""

    status: int
    media_type: str
    content: bytes


class Upstreams:
    def __init__(self, client: httpx.AsyncClient, urls: dict[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def export(self, authorization: str) -> Export:
        """All data that each service stores about the caller."""
        answers = await asyncio.gather(
            *(self._get(each, "/v1/me/export", EXPORT_SECONDS, authorization) for each in self._urls)
        )
        for answer in answers:
            if not answer.is_success:
                return Export(answer.status_code, answer.headers["content-type"], answer.content)
        documents = {
            upstream.value: orjson.Fragment(answer.content)
            for upstream, answer in zip(self._urls, answers, strict=True)
        }
        return Export(200, "application/json", orjson.dumps(documents))

    async def limits(self) -> dict[str, object]:
        answer = await self._get(Upstream.ML, "/v1/limits", LIMITS_SECONDS)
        if not answer.is_success:
            raise UpstreamDown
        return answer.json()

    async def _get(
        self, upstream: Upstream, path: str, seconds: float, authorization: str | None = None
    ) -> httpx.Response:
        headers = outgoing_headers()
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            return await self._client.get(self._urls[upstream] + path, headers=headers, timeout=seconds)
        except httpx.TransportError as error:
            raise UpstreamDown from error
