"""HTTP client for the services behind the gateway: the port and its aiohttp implementation."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
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
BODILESS = frozenset(("GET", "HEAD", "OPTIONS"))
CONNECT_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
NO_DEFAULT_TYPE = CIMultiDict({"Content-Type": None})

FIRST_FINAL_STATUS = 200

RawHeaders = tuple[tuple[bytes, bytes], ...]
# What holds a connection until the response is closed.
Owner = Connection | aiohttp.ClientResponse

# The first match counts, since some classes are subclasses of later ones.
FAILURES: tuple[tuple[type[BaseException], type[UpstreamDown | UpstreamSlow | UpstreamLost]], ...] = (
    (aiohttp.ClientConnectorError, UpstreamDown),
    (aiohttp.ConnectionTimeoutError, UpstreamDown),
    (TimeoutError, UpstreamSlow),
    (aiohttp.ClientError, UpstreamLost),
    (HttpProcessingError, UpstreamLost),
    (OSError, UpstreamLost),
)
EXPECTED = (aiohttp.ClientError, HttpProcessingError, OSError)


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
    headers: RawHeaders
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

    _key: ConnectionKey | None = None

    def update_headers(self, headers: LooseHeaders | None) -> None:
        self.headers = CIMultiDict(headers or ())
        self.headers["Host"] = self.url.host_port_subcomponent or ""

    def update_auto_headers(self, skip_auto_headers: object) -> None:  # noqa: ARG002 - as in aiohttp
        self._skip_auto_headers = NO_DEFAULT_TYPE

    @property
    def connection_key(self) -> ConnectionKey:
        """Found once, because each use of a request as an address needs it."""
        if self._key is None:
            self._key = super().connection_key
        return self._key


class AiohttpClient:
    """aiohttp's pool and parser without its `ClientSession`, and for most requests without its writer.

    A session takes 14 of 51 microseconds per request for what a proxy does not want: cookies, redirects,
    default headers and traces. The writer starts a task for each body, before Python 3.12 even for
    a small one.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        # A request of aiohttp for each service, of which only the address is used.
        self._addresses: dict[str, ExactRequest] = {}

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=IDLE_SECONDS)

    async def __aexit__(self, *_error: object) -> None:
        await self._connector.close()

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        try:
            response = await self._send_with_retry(request)
            await response.read_if_small()
        except EXPECTED as error:
            raise translate(error) from error
        return response

    async def _send_with_retry(self, request: UpstreamRequest) -> "AiohttpResponse":
        """Retry once if the service closed an idle connection just as the request was sent on it."""
        try:
            return await self._send_once(request)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if request.method not in IDEMPOTENT or not isinstance(request.body, bytes):
                raise
            return await self._send_once(request)

    async def _send_once(self, request: UpstreamRequest) -> "AiohttpResponse":
        is_small = isinstance(request.body, bytes) and len(request.body) <= SMALL_BODY
        origin, target = split_url(request.url)
        outgoing = self._address_of(origin) if is_small else self._whole_request(request)
        try:
            connection = await self._connector.connect(outgoing, traces=[], timeout=CONNECT_TIMEOUT)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        try:
            protocol = connection.protocol
            assert protocol is not None  # noqa: S101 - narrows the type: it is open
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=request.seconds,
                max_line_size=LONGEST_HEADER,
                max_field_size=LONGEST_HEADER,
            )
            if not is_small:
                return await _stream(outgoing, connection)
            assert protocol.transport is not None  # noqa: S101 - as above
            protocol.transport.write(encode(request, target, outgoing.headers["Host"]))
            protocol.start_timeout()
            message, payload = await protocol.read()
            while message.code < FIRST_FINAL_STATUS:
                message, payload = await protocol.read()
            return AiohttpResponse(message.code, message.raw_headers, payload, connection)
        except BaseException:
            connection.close()
            raise

    def _address_of(self, origin: str) -> ExactRequest:
        address = self._addresses.get(origin)
        if address is None:
            address = self._addresses[origin] = ExactRequest("GET", URL(origin), loop=self._loop)
        return address

    def _whole_request(self, request: UpstreamRequest) -> ExactRequest:
        url = URL(request.url, encoded=True)
        return ExactRequest(request.method, url, headers=request.headers, data=request.body, loop=self._loop)


async def _stream(outgoing: ExactRequest, connection: Connection) -> "AiohttpResponse":
    """Send a large body with aiohttp's writer, which waits while the service does not read."""
    response = await outgoing.send(connection)
    try:
        await response.start(connection)
    except BaseException:
        response.close()
        raise
    return AiohttpResponse(response.status, response.raw_headers, response.content, response)


def split_url(url: str) -> tuple[str, str]:
    """The origin and the target of a URL: `http://host:1` and `/path?query`."""
    end = url.index("/", url.index("//") + 2)
    return url[:end], url[end:]


def encode(request: UpstreamRequest, target: str, host: str) -> bytes:
    """The bytes of a request with a small body; raises ValueError for a line break within a header."""
    assert isinstance(request.body, bytes)  # noqa: S101 - as the caller found
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method not in BODILESS:
        lines.append(f"Content-Length: {len(request.body)}")
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\n") != breaks or head.count("\r") != breaks:
        raise ValueError("A header contains a line break.")
    return head.encode() + b"\r\n\r\n" + request.body


class AiohttpResponse:
    def __init__(self, status: int, headers: RawHeaders, payload: aiohttp.StreamReader, owner: Owner) -> None:
        self.status, self.headers = status, headers
        self.content: bytes | None = None
        self._payload, self._owner = payload, owner

    async def read_if_small(self) -> None:
        try:
            if self._length <= SMALL_BODY:
                self.content = await self._payload.read()
        except BaseException:
            self._owner.close()
            raise

    @property
    def _length(self) -> float:
        for name, value in self.headers:
            if name.lower() == b"content-length":
                return int(value)
        return math.inf

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._payload.iter_any():
                yield chunk
        except EXPECTED as error:
            raise translate(error) from error

    def close(self) -> None:
        if self._payload.at_eof():
            self._owner.release()
        else:
            self._owner.close()


def translate(error: BaseException) -> ServiceError:
    return next(problem() for kind, problem in FAILURES if isinstance(error, kind))
