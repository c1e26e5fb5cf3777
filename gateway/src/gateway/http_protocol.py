"""uvicorn's HTTP/1.1 server made careful: bounded heads, no trailers, refusals as problem documents."""

from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.proxy_protocol import EXTENSION, read_introduction
from kit.errors import Malformed
from kit.problems import MEDIA_TYPE, render

LONGEST_HEAD = 96 * 1024
LINGER_SECONDS = 1.0

log = structlog.stdlib.get_logger()


class CarefulProtocol(HttpToolsProtocol):
    """Public, so it may meet anybody: httptools alone would collect a head of any length."""

    _in_head = True
    _head_bytes = 0
    _refused = False
    _introduced = False
    _beginning = b""
    _speaks_for: str | None = None

    def data_received(self, data: bytes) -> None:
        if not self._introduced:
            data = self._after_introduction(data)
        if self._refused or not data:
            return
        room = LONGEST_HEAD - self._head_bytes if self._in_head else len(data)
        if room == 0:
            self.send_400_response("The head of the request is too long.")
            return
        if self._in_head:
            self._head_bytes += min(len(data), room)
        super().data_received(data[:room])
        if rest := data[room:]:
            self.data_received(rest)

    def _after_introduction(self, data: bytes) -> bytes:
        self._beginning += data
        introduction = read_introduction(self._beginning)
        if introduction is None:
            return b""
        self._introduced, self._beginning = True, b""
        self._speaks_for = introduction.address
        return introduction.rest

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._speaks_for is not None:
            self.scope["extensions"] = {EXTENSION: {"address": self._speaks_for}}

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after the body is a trailer: as a header it could pass for one from a proxy of ours.
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        # No request came of it, so it has no id yet; what is answered can be found in the log all the same.
        request_id = uuid4().hex
        with bound_contextvars(request_id=request_id):
            log.info("request_unreadable", reason=msg)
            answer = render(
                Malformed("This is not a request of HTTP/1.1; check its first line and its headers.")
            )
        head = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: " + MEDIA_TYPE.encode(),
            b"x-request-id: " + request_id.encode(),
            b"content-length: %d" % len(answer.body),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.write_eof()
        # Closing while bytes are still on their way resets the connection, and the answer would be lost.
        self._refused = True
        self.loop.call_later(LINGER_SECONDS, self.transport.close)
