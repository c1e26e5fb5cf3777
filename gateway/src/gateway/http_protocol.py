"""HTTP/1.1 server, hardened for the internet: bounded heads, timers, errors as problem documents."""

import asyncio
import socket
from http import HTTPStatus
from typing import cast
from uuid import uuid4

import structlog

from gateway.admission.proxy_protocol import EXTENSION, parse_proxy_header
from gateway.errors import RequestTooSlow
from kit.errors import Malformed, ServiceError
from kit.http_protocol import JoiningHttpProtocol
from kit.log_fields import bound_fields
from kit.problems import MEDIA_TYPE, render

LONGEST_HEAD = 96 * 1024
MOST_HEADERS = 200
# Requests that one connection sends ahead: a read of 256 KiB could hold 9,000 of them.
LONGEST_PIPELINE = 32
CLOSE_AFTER_SECONDS = 1.0
# What a client must have read of a response, at least, before each check.
READ_BYTES = 32 * 1024

log = structlog.stdlib.get_logger()


class StrictHttpProtocol(JoiningHttpProtocol):
    """The services' protocol with limits, since httptools accepts a head of any length at any pace.

    Every state in which a connection waits for its client has a timer: before the first byte, in a head, in
    the rest of a body whose request is answered, and while a response is not read. uvicorn's own timer covers
    an idle connection, and `gateway.admission.body` a body.
    """

    first_byte_seconds = 30.0
    head_seconds = 10.0
    unread_seconds = 60.0

    _in_head = True
    _head_bytes = 0
    _failed = False
    _fault: ServiceError | None = None
    _proxy_header_read = False
    _first_bytes = b""
    _proxied_address: str | None = None
    _timer: asyncio.TimerHandle | None = None
    _has_begun = False
    _unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.first_byte_seconds, self.transport.close)
        # The kernel cuts the connection when the client takes no byte for so long, even once it is closing.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(self.unread_seconds * 1000)
            connection = cast("socket.socket", transport.get_extra_info("socket"))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_unread_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._proxy_header_read:
            data = self._strip_proxy_header(data)
        if self._failed or not data:
            return
        room = LONGEST_HEAD - self._head_bytes if self._in_head else len(data)
        if room <= 0:
            self._refuse(Malformed("The head of the request is too long; send fewer or shorter headers."))
            return
        if self._in_head:
            self._head_bytes += min(len(data), room)
        super().data_received(data[:room])
        if rest := data[room:]:
            self.data_received(rest)
        elif not self._failed and (self._head_bytes if self._in_head else self.cycle.response_complete):
            self._expect_more()

    def _strip_proxy_header(self, data: bytes) -> bytes:
        self._first_bytes += data
        header = parse_proxy_header(self._first_bytes)
        if header is None:
            return b""
        self._proxy_header_read, self._first_bytes = True, b""
        self._proxied_address = header.address
        return header.rest

    def _expect_more(self) -> None:
        """Give the rest of what has begun its time: a head, or the body of a request that is answered."""
        if not self._has_begun:
            self._stop_timer()
            self._has_begun = True
            self._timer = self.loop.call_later(self.head_seconds, self._end_slow_request)

    def _end_slow_request(self) -> None:
        if self.cycle and not self.cycle.response_complete:
            # Reading may be paused while earlier requests of this connection are served.
            self._timer = self.loop.call_later(self.head_seconds, self._end_slow_request)
        elif self._in_head:
            self._refuse(RequestTooSlow())
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._has_begun = None, False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes += 1  # so that a head which begins behind another request counts as begun
        if self._proxied_address is not None:
            self.scope["extensions"] = {EXTENSION: {"address": self._proxied_address}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._timer is not None:
            self._stop_timer()
        if len(self.headers) > MOST_HEADERS:
            self._fault = Malformed(f"The request has more than {MOST_HEADERS} headers; send fewer.")
        elif len(self.pipeline) >= LONGEST_PIPELINE:
            self._fault = Malformed("Too many requests were sent ahead; wait for responses first.")
        if self._fault is not None:
            raise self._fault
        super().on_headers_complete()
        # Trailers, the headers after a body, go to a list that nobody reads: in the request's own list they
        # could pass for headers of a trusted proxy.
        self.headers = []

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        if self._timer is not None:
            self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own sentence
        self._refuse(
            self._fault
            or Malformed("This is not a valid HTTP/1.1 request; check its first line and headers.")
        )

    def _refuse(self, error: ServiceError) -> None:
        # No request was parsed, so there is no id yet; a new one makes the log searchable.
        request_id = uuid4().hex
        with bound_fields(request_id=request_id):
            log.info("request_unreadable", reason=error.detail)
            response = render(error)
        head = [
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(),
            b"content-type: " + MEDIA_TYPE.encode(),
            b"x-request-id: " + request_id.encode(),
            b"content-length: %d" % len(response.body),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.write_eof()
        # Closing while bytes arrive would reset the connection, and the response would be lost.
        self._failed = True
        self._stop_timer()
        self._timer = self.loop.call_later(CLOSE_AFTER_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._check_reader_later()

    def resume_writing(self) -> None:
        self._stop_unread_timer()
        super().resume_writing()

    def _check_reader_later(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._unread_timer = self.loop.call_later(self.unread_seconds, self._check_reader, unread)

    def _check_reader(self, unread_before: int) -> None:
        if unread_before - self.transport.get_write_buffer_size() < READ_BYTES:
            self.transport.abort()
        else:
            self._check_reader_later()

    def _stop_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
