"""HTTP client for the services behind the gateway: the port and its aiohttp implementation."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from aiohttp.typedefs import LooseHeaders
from multidict import CIMultiDict
from yarl import URL

from gateway.errors import UpstreamDown, UpstreamLost, UpstreamSlow
from kit.errors import ServiceError

CONNECT_SECONDS = 0.8
# Far below `kit.app.KEEP_ALIVE_SECONDS`, so that no connection is reused while its service closes it.
IDLE_SECONDS = 4.0
LONGEST_HEADER = 64 * 1024
SMALL_BODY = 64 * 1024
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
CONNECT_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
NO_DEFAULT_TYPE = CIMultiDict({"Content-Type": None})

# The first match counts, since some classes are subclasses of later ones.
FAILURES: tuple[tuple[type[BaseException], type[UpstreamDown | UpstreamSlow | UpstreamLost]], ...] = (
    (aiohttp.ClientConnectorError, UpstreamDown),
    (aiohttp.ConnectionTimeoutError, UpstreamDown),
    (TimeoutError, UpstreamSlow),
    (aiohttp.ClientError, UpstreamLost),
    (OSError, UpstreamLost),
)
EXPECTED = (aiohttp.ClientError, OSError)


@dataclass(slots=True)
class UpstreamRequest:
    """A request to an upstream; `seconds` is the longest silence after the request was sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncGenerator[bytes]
    seconds: float


class UpstreamResponse(Protocol):
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    # The complete body if it is small: after a break, an error response is still possible.
    content: bytes | None

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; raises UpstreamLost or UpstreamSlow when it breaks off."""
        ...

    def close(self) -> None:
        """Return the connection to the pool, or close it when the body was not read to its end."""
        ...


class UpstreamClient(Protocol):
    """A pool of connections: no redirects, no cookies, no decompression."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send, and wait for the response's head; raises UpstreamDown, UpstreamSlow or UpstreamLost."""
        ...


class ExactRequest(aiohttp.ClientRequest):
    """Sends the given headers and Host, without aiohttp's own defaults such as User-Agent."""

    def update_headers(self, headers: LooseHeaders | None) -> None:
        self.headers = CIMultiDict(headers or ())
        self.headers["Host"] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: object) -> None:  # noqa: ARG002 - as in aiohttp
        self._skip_auto_headers = NO_DEFAULT_TYPE


class AiohttpClient:
    """aiohttp's pool, writer and parser without its `ClientSession`.

    A session takes 14 of 51 microseconds per request for what a proxy does not want: cookies, redirects,
    default headers and traces.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=IDLE_SECONDS)

    async def __aexit__(self, *_error: object) -> None:
        await self._connector.close()

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        try:
            response = await self._send_with_retry(request)
            return await AiohttpResponse.open(response)
        except EXPECTED as error:
            raise translate(error) from error

    async def _send_with_retry(self, request: UpstreamRequest) -> aiohttp.ClientResponse:
        """Retry once if the service closed an idle connection just as the request was sent on it."""
        try:
            return await self._send_once(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if request.method not in IDEMPOTENT or not isinstance(request.body, bytes):
                raise
            return await self._send_once(request)

    async def _send_once(self, request: UpstreamRequest) -> aiohttp.ClientResponse:
        url = URL(request.url, encoded=True)
        outgoing = ExactRequest(
            request.method, url, headers=request.headers, data=request.body or None, loop=self._loop
        )
        try:
            connection = await self._connector.connect(outgoing, traces=[], timeout=CONNECT_TIMEOUT)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        try:
            assert connection.protocol is not None  # noqa: S101 - narrows the type: it is open
            connection.protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=request.seconds,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
            )
            response = await outgoing.send(connection)
            try:
                return await response.start(connection)
            except BaseException:
                response.close()
                raise
        except BaseException:
            connection.close()
            raise


class AiohttpResponse:
    def __init__(self, response: aiohttp.ClientResponse, content: bytes | None) -> None:
        self.status = response.status
        self.headers = response.raw_headers
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


def translate(error: BaseException) -> ServiceError:
    return next(problem() for kind, problem in FAILURES if isinstance(error, kind))
