"""Reverse proxy: admit a request, stream it to the upstream and stream the response back."""

from collections.abc import AsyncGenerator, Mapping

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.body import SMALL_BODY, BufferSpace, ClientDisconnected
from gateway.admission.gate import AdmittedRequest, Gate, IncomingRequest
from gateway.errors import RequestTooSlow, UpstreamDown, UpstreamLost, UpstreamSlow
from gateway.forwarding.disconnect import DisconnectWatcher, Watch
from gateway.forwarding.error_response import drain, has_unread_body, send_error
from gateway.forwarding.headers import for_client, for_upstream
from gateway.forwarding.upstream import UpstreamClient, UpstreamRequest, UpstreamResponse
from gateway.routing import Pool, Upstream
from kit.errors import ServiceError
from kit.request_context import outgoing_headers

# How much longer than the service the gateway waits.
ANSWER_SECONDS = 2.0

log = structlog.stdlib.get_logger()


class ProxyMiddleware:
    """Pure ASGI: a proxied request bypasses the framework that serves the gateway's own routes."""

    def __init__(self, app: ASGIApp, gate: Gate, proxy: "Proxy") -> None:
        self._app, self._gate, self._proxy = app, gate, proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = IncomingRequest(scope, receive, send)
        try:
            admitted = await self._gate.admit(request)
            if admitted.route.upstream is Upstream.GATEWAY:
                await self._app(_with_authorization(scope, admitted), receive, request.send)
            else:
                await self._proxy.forward(request, admitted)
        except ServiceError as error:
            await send_error(error, has_unread_body(request), receive, request.send)
        except ClientDisconnected:
            return
        finally:
            request.leave()


def _with_authorization(scope: Scope, admitted: AdmittedRequest) -> Scope:
    """Replace an API key by its access token for the gateway's own routes, too."""
    if admitted.authorization is None:
        return scope
    headers = [header for header in scope["headers"] if header[0] != b"authorization"]
    return {**scope, "headers": [*headers, (b"authorization", admitted.authorization.encode())]}


class Proxy:
    def __init__(self, clients: Mapping[Pool, UpstreamClient], urls: dict[Upstream, str]) -> None:
        self._clients, self._urls = clients, urls
        self._space, self._watch = BufferSpace(), Watch()

    async def forward(self, request: IncomingRequest, admitted: AdmittedRequest) -> None:
        """Raises a ServiceError when the upstream sends no response, ClientDisconnected while it receives."""
        relay = ResponseRelay(request, admitted)
        body, route = admitted.body, admitted.route
        assert route.pool is not None  # noqa: S101 - narrows the type: the route is not the gateway's own
        reserved = 0 if body.is_small else self._space.reserve(body, route.body)
        try:
            with DisconnectWatcher(self._watch, request.receive, body):
                content = await body.read(max(reserved, SMALL_BODY))
                sent = self._request_of(request.scope, admitted, content)
                await relay.start(await self._clients[route.pool].send(sent))
                await relay.finish()
        except (UpstreamDown, UpstreamSlow, UpstreamLost) as failure:
            if isinstance(body.failure, ClientDisconnected):
                return
            log.warning("upstream_broke_off" if relay.started else "upstream_failed", code=failure.code)
            if not relay.started:
                raise body.failure or failure from failure
            # Return with the response unfinished: the server then cuts the connection, visibly.
        except RequestTooSlow:
            if not relay.started:
                raise
        finally:
            if reserved:
                self._space.free(reserved)

    def _request_of(
        self, scope: Scope, admitted: AdmittedRequest, content: bytes | AsyncGenerator[bytes]
    ) -> UpstreamRequest:
        route, headers = admitted.route, headers_for_upstream(admitted, scope)
        url = self._url_of(route.upstream, scope)
        if not isinstance(content, bytes) and admitted.body.declared_length is not None:
            headers.append(("content-length", str(admitted.body.declared_length)))
        # The service's own time ends first, so that the client receives its error.
        seconds = route.seconds + ANSWER_SECONDS
        return UpstreamRequest(scope["method"], url, headers, content, seconds)

    def _url_of(self, upstream: Upstream, scope: Scope) -> str:
        url = self._urls[upstream] + scope["raw_path"].decode()
        return f"{url}?{scope['query_string'].decode()}" if scope["query_string"] else url


def headers_for_upstream(admitted: AdmittedRequest, scope: Scope) -> list[tuple[str, str]]:
    headers = for_upstream(scope["headers"])
    origin = admitted.origin
    if admitted.authorization is not None:
        headers = [header for header in headers if header[0] != "authorization"]
        headers.append(("authorization", admitted.authorization))
    headers += [
        ("x-forwarded-for", origin.address),
        ("x-forwarded-proto", origin.scheme),
        ("x-forwarded-host", origin.host),
        *admitted.route.deadline_headers,
        *outgoing_headers().items(),
    ]
    return headers


class ResponseRelay:
    """Streams a response to the client; the last byte waits until the request's body was read."""

    def __init__(self, request: IncomingRequest, admitted: AdmittedRequest) -> None:
        self._body, self._receive, self._send = admitted.body, request.receive, request.send
        self._last_chunk = b""
        self.started = False

    async def start(self, response: UpstreamResponse) -> None:
        headers = for_client(response.headers, response.status)
        if not self._body.finished:
            headers.append((b"connection", b"close"))
        self.started = True
        try:
            await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
            if response.content is None:
                async for chunk in response.chunks():
                    await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            else:
                self._last_chunk = response.content
        finally:
            response.close()

    async def finish(self) -> None:
        if not self._body.finished:
            await self._send({"type": "http.response.body", "body": self._last_chunk, "more_body": True})
            await drain(self._receive)
            self._last_chunk = b""
        await self._send({"type": "http.response.body", "body": self._last_chunk})
