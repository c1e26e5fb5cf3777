"""HTTP client for the services behind the gateway: the port and its aiohttp implementation."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import aiohttp
from yarl import URL

from gateway.errors import UpstreamDown, UpstreamLost, UpstreamSlow
from kit.errors import ServiceError

CONNECT_SECONDS = 0.8
# Far below `kit.app.KEEP_ALIVE_SECONDS`, so that no connection is reused while its service closes it.
IDLE_SECONDS = 4.0
MAX_CONNECTIONS = 2048
LONGEST_HEADER = 64 * 1024
SMALL_BODY = 64 * 1024

# The first match counts, since some classes are subclasses of later ones.
FAILURES: tuple[tuple[type[BaseException], type[UpstreamDown | UpstreamSlow | UpstreamLost]], ...] = (
    (aiohttp.ClientConnectorError, UpstreamDown),
    (aiohttp.ConnectionTimeoutError, UpstreamDown),
    (TimeoutError, UpstreamSlow),
    (aiohttp.ClientError, UpstreamLost),
    (ConnectionError, UpstreamLost),
)
EXPECTED = (aiohttp.ClientError, TimeoutError, ConnectionError)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request to an upstream; `seconds` is the longest silence after the request was sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncGenerator[bytes]
    seconds: float


class UpstreamResponse(Protocol):
    status: int
    headers: list[tuple[bytes, bytes]]
    # The complete body if it is small: after a break, an error response is still possible.
    content: bytes | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises UpstreamLost or UpstreamSlow when it breaks off."""
        ...

    def close(self) -> None:
        """Return the connection to the pool, or close it when the body was not read to its end."""
        ...


class UpstreamClient(Protocol):
    """One connection pool for all services: no redirects, no cookies, no decompression."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send, and wait for the response's head; raises UpstreamDown, UpstreamSlow or UpstreamLost."""
        ...


class AiohttpClient:
    async def __aenter__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    async def __aexit__(self, *_error: object) -> None:
        await self._session.close()

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        try:
            response = await self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=_timeout(request.seconds),
            )
            return await AiohttpResponse.open(response)
        except EXPECTED as error:
            raise translate(error) from error


class AiohttpResponse:
    def __init__(self, response: aiohttp.ClientResponse, content: bytes | None) -> None:
        self.status = response.status
        self.headers = list(response.raw_headers)
        self.content = content
        self._response = response

    @classmethod
    async def open(cls, response: aiohttp.ClientResponse) -> "AiohttpResponse":
        length = response.content_length
        try:
            small = length is not None and length <= SMALL_BODY
            return cls(response, await response.read() if small else None)
        except BaseException:
            response.close()
            raise

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except EXPECTED as error:
            raise translate(error) from error

    def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


@lru_cache
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=seconds)


def translate(error: BaseException) -> ServiceError:
    return next(problem() for kind, problem in FAILURES if isinstance(error, kind))
