"""The port to the services behind the gateway, and aiohttp behind it."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import aiohttp
from yarl import URL

from gateway.errors import UpstreamDown, UpstreamLost, UpstreamSlow
from kit.errors import ServiceError

CONNECT_SECONDS = 0.8
# Far below `kit.app.KEEP_ALIVE_SECONDS`: no connection is reused while its service closes it.
IDLE_SECONDS = 4.0
MOST_CONNECTIONS = 2048
LONGEST_HEADER = 64 * 1024
SMALL_ANSWER = 64 * 1024

# In this order: some are kinds of others.
FAILURES: tuple[tuple[type[BaseException], type[UpstreamDown | UpstreamSlow | UpstreamLost]], ...] = (
    (aiohttp.ClientConnectorError, UpstreamDown),
    (aiohttp.ConnectionTimeoutError, UpstreamDown),
    (TimeoutError, UpstreamSlow),
    (aiohttp.ClientError, UpstreamLost),
    (ConnectionError, UpstreamLost),
)
EXPECTED = (aiohttp.ClientError, TimeoutError, ConnectionError)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request for an upstream; `seconds` is how long it may be silent once the request is sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncGenerator[bytes]
    seconds: float


class Answer(Protocol):
    status: int
    headers: list[tuple[bytes, bytes]]
    # The whole body when it is small, so that one which breaks off is still answered with a clear error.
    content: bytes | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises UpstreamLost or UpstreamSlow when it breaks off."""
        ...

    def close(self) -> None:
        """Give the connection back, or end it when the answer was not read to its end."""
        ...


class Upstreams(Protocol):
    """One connection pool to all services. It follows no redirect, keeps no cookie and unpacks nothing."""

    async def send(self, request: Outgoing) -> Answer:
        """Send and wait for the answer's head; raises UpstreamDown, UpstreamSlow or UpstreamLost."""
        ...


class AiohttpUpstreams:
    async def __aenter__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    async def __aexit__(self, *_why: object) -> None:
        await self._session.close()

    async def send(self, request: Outgoing) -> Answer:
        try:
            response = await self._session.request(
                request.method,
                URL(request.url, encoded=True),
                headers=request.headers,
                data=request.body or None,
                allow_redirects=False,
                timeout=_patience(request.seconds),
            )
            return await AiohttpAnswer.begun(response)
        except EXPECTED as error:
            raise translate(error) from error


class AiohttpAnswer:
    def __init__(self, response: aiohttp.ClientResponse, content: bytes | None) -> None:
        self.status = response.status
        self.headers = list(response.raw_headers)
        self.content = content
        self._response = response

    @classmethod
    async def begun(cls, response: aiohttp.ClientResponse) -> "AiohttpAnswer":
        length = response.content_length
        try:
            small = length is not None and length <= SMALL_ANSWER
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
def _patience(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=seconds)


def translate(error: BaseException) -> ServiceError:
    return next(problem() for kind, problem in FAILURES if isinstance(error, kind))
