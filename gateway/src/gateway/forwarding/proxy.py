"""Reverse proxy: admit a request, stream it to the upstream and stream the response back."""

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.admission.body import ClientDisconnected, IncomingBody
from gateway.admission.gate import AdmittedRequest, Gate, IncomingRequest
from gateway.errors import UpstreamDown, UpstreamLost, UpstreamSlow
from gateway.forwarding.disconnect import cancel_on_disconnect
from gateway.forwarding.error_response import drain, has_unread_body, send_error
from gateway.forwarding.headers import for_client, for_upstream
from gateway.forwarding.upstream import UpstreamClient, UpstreamRequest, UpstreamResponse
from gateway.routing import Route, Upstream
from kit.errors import ServiceError
from kit.request_context import outgoing_headers

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
                await self._proxy.forward(admitted, scope, receive, request.send)
        except ServiceError as error:
            await send_error(error, has_unread_body(request), receive, request.send)
        except ClientDisconnected:
            return


def _with_authorization(scope: Scope, admitted: AdmittedRequest) -> Scope:
    """Replace an API key by its access token for the gateway's own routes, too."""
    if admitted.authorization is None:
        return scope
    headers = [header for header in scope["headers"] if header[0] != b"authorization"]
    return {**scope, "headers": [*headers, (b"authorization", admitted.authorization.encode())]}


class Proxy:
    def __init__(self, client: UpstreamClient, urls: dict[Upstream, str]) -> None:
        self._client, self._urls = client, urls

    async def forward(self, admitted: AdmittedRequest, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises a ServiceError when the upstream sends no response."""
        body = admitted.body
        content = await body.read() if body.is_small else body.stream()
        request = UpstreamRequest(
            scope["method"],
            self._url_of(admitted.route, scope),
            self._headers_of(admitted, scope),
            content,
            admitted.route.seconds,
        )
        with cancel_on_disconnect(receive, body):
            await self._exchange(request, body, ResponseRelay(body, receive, send))

    async def _exchange(self, request: UpstreamRequest, body: IncomingBody, relay: "ResponseRelay") -> None:
        try:
            await relay.start(await self._client.send(request))
        except (UpstreamDown, UpstreamSlow, UpstreamLost) as failure:
            if isinstance(body.failure, ClientDisconnected):
                return
            if relay.started:
                # Return with the response unfinished: the server then cuts the connection, visibly.
                log.warning("upstream_broke_off", code=failure.code)
                return
            log.warning("upstream_failed", code=failure.code)
            raise body.failure or failure from failure
        await relay.finish()

    def _url_of(self, route: Route, scope: Scope) -> str:
        url = self._urls[route.upstream] + scope["raw_path"].decode()
        return f"{url}?{scope['query_string'].decode()}" if scope["query_string"] else url

    def _headers_of(self, admitted: AdmittedRequest, scope: Scope) -> list[tuple[str, str]]:
        headers = for_upstream(scope["headers"])
        body, origin = admitted.body, admitted.origin
        if admitted.authorization is not None:
            headers = [header for header in headers if header[0] != "authorization"]
            headers.append(("authorization", admitted.authorization))
        if not body.is_small and body.declared_length is not None:
            headers.append(("content-length", str(body.declared_length)))
        headers += [
            ("x-forwarded-for", origin.address),
            ("x-forwarded-proto", origin.scheme),
            ("x-forwarded-host", origin.host),
            *outgoing_headers().items(),
        ]
        return headers


class ResponseRelay:
    """Streams a response to the client; the last byte waits until the request's body was read."""

    def __init__(self, body: IncomingBody, receive: Receive, send: Send) -> None:
        self._body, self._receive, self._send = body, receive, send
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
