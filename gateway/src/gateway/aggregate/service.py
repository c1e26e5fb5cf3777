"""Responses combined from several services: a user's export and the table of limits."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx

from gateway.errors import UpstreamDown
from gateway.forwarding.upstream import UpstreamClient, UpstreamRequest, UpstreamResponse
from gateway.routing import Pool, Upstream
from kit.deadlines import HEADER
from kit.request_context import outgoing_headers

EXPORT_SECONDS = 60.0
LIMITS_SECONDS = 5.0


class Export:
    """All that the services store about a user, as one document; it streams, since it may be large.

    `status` and `media_type` are those of the first service that refuses, whose error is passed on unchanged.
    """

    def __init__(self, responses: Mapping[Upstream, UpstreamResponse]) -> None:
        self._responses = responses
        refusals = (response for response in responses.values() if not 200 <= response.status < 300)
        self._refusal = next(refusals, None)
        self.status = self._refusal.status if self._refusal else 200
        self.media_type = _media_type_of(self._refusal) if self._refusal else "application/json"

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises UpstreamLost or UpstreamSlow when a service breaks off."""
        if self._refusal is not None:
            async for chunk in _content_of(self._refusal):
                yield chunk
            return
        before = b"{"
        for upstream, response in self._responses.items():
            yield before + f'"{upstream.value}":'.encode()
            async for chunk in _content_of(response):
                yield chunk
            before = b","
        yield b"}"

    def close(self) -> None:
        for response in self._responses.values():
            response.close()


class Upstreams:
    def __init__(
        self,
        client: httpx.AsyncClient,
        pools: Mapping[Pool, UpstreamClient],
        urls: Mapping[Upstream, str],
    ) -> None:
        self._client, self._pools, self._urls = client, pools, urls

    async def export(self, authorization: str) -> Export:
        """Raises a ServiceError when a service cannot be reached; the caller closes the export."""
        opened = await asyncio.gather(
            *(self._open_export(upstream, authorization) for upstream in self._urls), return_exceptions=True
        )
        responses = {
            upstream: response
            for upstream, response in zip(self._urls, opened, strict=True)
            if not isinstance(response, BaseException)
        }
        export = Export(responses)
        for failure in opened:
            if isinstance(failure, BaseException):
                export.close()
                raise failure
        return export

    async def _open_export(self, upstream: Upstream, authorization: str) -> UpstreamResponse:
        headers = {
            **outgoing_headers(),
            "Authorization": authorization,
            HEADER: str(int(EXPORT_SECONDS * 1000)),
        }
        url = self._urls[upstream] + "/v1/me/export"
        request = UpstreamRequest("GET", url, list(headers.items()), b"", EXPORT_SECONDS)
        return await self._pools[Pool(upstream.value)].send(request)

    async def limits(self) -> dict[str, object]:
        url = self._urls[Upstream.ML] + "/v1/limits"
        try:
            response = await self._client.get(url, headers=outgoing_headers(), timeout=LIMITS_SECONDS)
        except httpx.TransportError as error:
            raise UpstreamDown from error
        if not response.is_success:
            raise UpstreamDown
        return response.json()


async def _content_of(response: UpstreamResponse) -> AsyncIterator[bytes]:
    if response.content is not None:
        yield response.content
    else:
        async for chunk in response.chunks():
            yield chunk


def _media_type_of(response: UpstreamResponse) -> str:
    headers = {name.lower(): value for name, value in response.headers}
    return headers.get(b"content-type", b"application/json").decode("latin-1")
