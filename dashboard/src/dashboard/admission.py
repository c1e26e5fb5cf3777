"""Admission of browsers: pages of our own origin, limited sockets of an address, uploads after a login."""

import ipaddress
from collections import Counter

import streamlit.runtime
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dashboard.session.cookie import cookie_name
from dashboard.session.login_store import login_store
from dashboard.settings import DashboardSettings

UPLOADS = "/_stcore/upload_file/"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Uploaded files stay in memory until their form is submitted or their tab is closed.
FILES_OF_A_SESSION = 4
FILES_AT_ONCE = 10


class Admission:
    """ASGI middleware before Streamlit's own checks.

    Streamlit accepts every port of this host as an origin, looks for the host's address on the
    internet while all pages wait, and takes uploads from anybody.
    """

    def __init__(self, app: ASGIApp, settings: DashboardSettings) -> None:
        self._app, self._settings = app, settings
        self._sockets: Counter[str] = Counter()
        self._bytes_arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] not in SAFE_METHODS:
            await self._change(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _open_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = network_of(scope)
        if (
            not self._has_own_origin(scope)
            or self._sockets[address] >= self._settings.max_sockets_per_address
        ):
            # Before it is accepted, this closes the handshake with 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        self._sockets[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]

    async def _change(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Request(scope))
        length = 0 if refusal else int(Headers(scope=scope).get("content-length", "0"))
        self._bytes_arriving += length
        try:
            await (refusal or self._app)(scope, receive, send)
        finally:
            self._bytes_arriving -= length

    def _refusal(self, request: Request) -> Response | None:
        if not self._has_own_origin(request.scope):
            return PlainTextResponse("Requests of other origins are refused.", 403)
        length = request.headers.get("content-length", "0")
        if "transfer-encoding" in request.headers or not length.isdecimal():
            return PlainTextResponse("Content-Length is missing.", 411)
        _, is_upload, rest = request.url.path.partition(UPLOADS)
        if is_upload and login_store().find(_cookie(request)) is None:
            return PlainTextResponse("Log in to upload files.", 403)
        if is_upload and not self._has_room(rest.partition("/")[0], int(length)):
            return PlainTextResponse("Too many files at once.", 413)
        return None

    def _has_own_origin(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        return self._settings.is_own_origin(headers.get("origin"), headers.get("host"))

    def _has_room(self, session: str, length: int) -> bool:
        largest = self._settings.max_csv_bytes
        stored = stored_bytes()
        of_session = stored.get(session, 0) + length
        of_all = sum(stored.values()) + self._bytes_arriving + length
        return of_session <= FILES_OF_A_SESSION * largest and of_all <= FILES_AT_ONCE * largest


def _cookie(request: Request) -> str | None:
    return request.cookies.get(cookie_name(request.headers.get("host")))


def stored_bytes() -> dict[str, int]:
    """The bytes of uploaded files in memory, by session."""
    manager = streamlit.runtime.get_instance().uploaded_file_mgr if streamlit.runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    return {
        session: sum(len(file.data) for file in list(files.values()))
        for session, files in list(manager.file_storage.items())
    }


def network_of(scope: Scope) -> str:
    """The client's address; of IPv6 the network, which one client has for itself."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
