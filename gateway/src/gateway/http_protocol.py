"""HTTP/1.1 server, hardened for the internet: bounded heads, no trailers, errors as problem documents."""

from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars

from gateway.admission.proxy_protocol import EXTENSION, parse_proxy_header
from kit.errors import Malformed
from kit.http_protocol import JoiningHttpProtocol
from kit.problems import MEDIA_TYPE, render

LONGEST_HEAD = 96 * 1024
CLOSE_AFTER_SECONDS = 1.0

log = structlog.stdlib.get_logger()


class StrictHttpProtocol(JoiningHttpProtocol):
    """The services' protocol with a limit, since httptools accepts a head of any length."""

    _in_head = True
    _head_bytes = 0
    _failed = False
    _proxy_header_read = False
    _first_bytes = b""
    _proxied_address: str | None = None

    def data_received(self, data: bytes) -> None:
        if not self._proxy_header_read:
            data = self._strip_proxy_header(data)
        if self._failed or not data:
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

    def _strip_proxy_header(self, data: bytes) -> bytes:
        self._first_bytes += data
        header = parse_proxy_header(self._first_bytes)
        if header is None:
            return b""
        self._proxy_header_read, self._first_bytes = True, b""
        self._proxied_address = header.address
        return header.rest

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._proxied_address is not None:
            self.scope["extensions"] = {EXTENSION: {"address": self._proxied_address}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()
        # Trailers, the headers after a body, go to a list that nobody reads: in the request's own list they
        # could pass for headers of a trusted proxy.
        self.headers = []

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        # No request was parsed, so there is no id yet; a new one makes the log searchable.
        request_id = uuid4().hex
        with bound_contextvars(request_id=request_id):
            log.info("request_unreadable", reason=msg)
            response = render(
                Malformed("This is not a valid HTTP/1.1 request; check its first line and its headers.")
            )
        head = [
            b"HTTP/1.1 400 Bad Request",
            b"content-type: " + MEDIA_TYPE.encode(),
            b"x-request-id: " + request_id.encode(),
            b"content-length: %d" % len(response.body),
            b"connection: close",
        ]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.write_eof()
        # Closing while bytes arrive would reset the connection, and the response would be lost.
        self._failed = True
        self.loop.call_later(CLOSE_AFTER_SECONDS, self.transport.close)
