"""Sends an admitted request to its service and the answer back, both as they come."""

from dataclasses import dataclass

import structlog
from starlette.types import Receive, Scope, Send

from gateway.admission.body import ClientLeft, IncomingBody
from gateway.admission.trusted_proxies import Origin
from gateway.errors import UpstreamDown, UpstreamLost, UpstreamSlow
from gateway.forwarding.disconnect import WhileClientStays
from gateway.forwarding.error_response import drain
from gateway.forwarding.headers import for_client, for_upstream
from gateway.forwarding.upstream import Answer, Outgoing, Upstreams
from gateway.routing import Route, Upstream
from kit.request_context import outgoing_headers

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may pass, and what goes with it."""

    route: Route
    origin: Origin
    authorization: str | None
    body: IncomingBody


class Proxy:
    def __init__(self, upstreams: Upstreams, urls: dict[Upstream, str]) -> None:
        self._upstreams, self._urls = upstreams, urls

    async def forward(self, admitted: Admitted, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises a ServiceError when there is no answer to pass on."""
        body = admitted.body
        content = await body.whole() if body.is_small else body.stream()
        outgoing = Outgoing(
            scope["method"],
            self._url_of(admitted.route, scope),
            self._headers_of(admitted, scope),
            content,
            admitted.route.seconds,
        )
        with WhileClientStays(receive, body):
            await self._exchange(outgoing, body, Relay(body, receive, send))

    async def _exchange(self, outgoing: Outgoing, body: IncomingBody, relay: "Relay") -> None:
        try:
            await relay.run(await self._upstreams.send(outgoing))
        except (UpstreamDown, UpstreamSlow, UpstreamLost) as failure:
            if isinstance(body.failure, ClientLeft):
                return
            if relay.started:
                # Returning with the answer unfinished makes the server cut the connection: no clean end.
                log.warning("upstream_broke_off", code=failure.code)
                return
            log.warning("upstream_failed", code=failure.code)
            raise body.failure or failure from failure
        await relay.finish()

    def _url_of(self, route: Route, scope: Scope) -> str:
        url = self._urls[route.upstream] + scope["raw_path"].decode()
        return f"{url}?{scope['query_string'].decode()}" if scope["query_string"] else url

    def _headers_of(self, admitted: Admitted, scope: Scope) -> list[tuple[str, str]]:
        headers = for_upstream(scope["headers"])
        if admitted.authorization is not None:
            headers = [each for each in headers if each[0] != "authorization"]
            headers.append(("authorization", admitted.authorization))
        if not admitted.body.is_small and admitted.body.declared is not None:
            headers.append(("content-length", str(admitted.body.declared)))
        headers += [
            ("x-forwarded-for", admitted.origin.address),
            ("x-forwarded-proto", admitted.origin.scheme),
            ("x-forwarded-host", admitted.origin.host),
            *outgoing_headers().items(),
        ]
        return headers


class Relay:
    """Passes one answer on; its last byte is held back until the request's body has been dealt with."""

    def __init__(self, body: IncomingBody, receive: Receive, send: Send) -> None:
        self._body, self._receive, self._send = body, receive, send
        self._last = b""
        self.started = False

    async def run(self, answer: Answer) -> None:
        headers = for_client(answer.headers, answer.status)
        if not self._body.finished:
            headers.append((b"connection", b"close"))
        self.started = True
        try:
            await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
            if answer.content is None:
                async for chunk in answer.chunks():
                    await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            else:
                self._last = answer.content
        finally:
            answer.close()

    async def finish(self) -> None:
        if not self._body.finished:
            await self._send({"type": "http.response.body", "body": self._last, "more_body": True})
            await drain(self._receive)
            self._last = b""
        await self._send({"type": "http.response.body", "body": self._last})
