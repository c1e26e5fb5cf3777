"""Responses combined from several services: a user's export and the table of limits."""

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
    """The combined document, or one service's error response, passed on unchanged."""

    status: int
    media_type: str
    content: bytes


class Upstreams:
    def __init__(self, client: httpx.AsyncClient, urls: dict[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def export(self, authorization: str) -> Export:
        """All data that each service stores about the caller."""
        responses = await asyncio.gather(
            *(self._get(upstream, "/v1/me/export", EXPORT_SECONDS, authorization) for upstream in self._urls)
        )
        for response in responses:
            if not response.is_success:
                return Export(response.status_code, response.headers["content-type"], response.content)
        documents = {
            upstream.value: orjson.Fragment(response.content)
            for upstream, response in zip(self._urls, responses, strict=True)
        }
        return Export(200, "application/json", orjson.dumps(documents))

    async def limits(self) -> dict[str, object]:
        response = await self._get(Upstream.ML, "/v1/limits", LIMITS_SECONDS)
        if not response.is_success:
            raise UpstreamDown
        return response.json()

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
