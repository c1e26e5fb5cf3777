"""What every request passes: sound framing, known route, size, caller and rate; then it goes on."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from gateway.admission.authentication import Callers
from gateway.admission.body import ClientLeft, IncomingBody
from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.trusted_proxies import Origin, Origins
from gateway.forwarding.error_response import may_send_more, refuse
from gateway.forwarding.headers import check_framing
from gateway.forwarding.proxy import Admitted, Proxy
from gateway.proxy_protocol import EXTENSION
from gateway.route_matching import RouteTable
from gateway.routing import Access, Body, Route, Upstream
from kit.errors import ServiceError

NO_SNIFFING = (b"x-content-type-options", b"nosniff")


@dataclass(frozen=True, slots=True)
class Checks:
    table: RouteTable
    origins: Origins
    limiter: RateLimiter
    callers: Callers
    body_limits: dict[Body, int]


class Gate:
    """Pure ASGI: a proxied request meets none of the framework that the gateway's own pages use."""

    def __init__(self, app: ASGIApp, checks: Checks, proxy: Proxy) -> None:
        self._app, self._checks, self._proxy = app, checks, proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = Visit(scope, receive, send, self._checks)
        try:
            admitted = await visit.admit()
            if admitted.route.upstream is Upstream.GATEWAY:
                await self._app(_scope_as_admitted(scope, admitted), receive, visit.send)
            else:
                await self._proxy.forward(admitted, scope, receive, visit.send)
        except ServiceError as refusal:
            await refuse(refusal, may_send_more(visit.headers, visit.body), receive, visit.send)
        except ClientLeft:
            return


class Visit:
    """One request on its way through the checks, and what they add to its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, checks: Checks) -> None:
        self._scope, self._receive, self._send, self._checks = scope, receive, send, checks
        self._added = [NO_SNIFFING]
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.body: IncomingBody | None = None

    async def admit(self) -> Admitted:
        scope, checks = self._scope, self._checks
        check_framing(scope["headers"], scope["http_version"])
        route = checks.table.find(scope["method"], scope["raw_path"].decode("latin-1"))
        scope["route"] = route
        self.body = IncomingBody(self._receive, self.headers, checks.body_limits[route.body])
        peer = scope["client"][0] if scope["client"] else ""
        speaks_for = scope.get("extensions", {}).get(EXTENSION, {}).get("address")
        origin = checks.origins.origin_of(peer, scope["scheme"], self.headers, speaks_for)
        authorization = await self._check_caller(route, origin)
        return Admitted(route, origin, authorization, self.body)

    async def _check_caller(self, route: Route, origin: Origin) -> str | None:
        """Who counts against the limit is the user, or the address of somebody unknown."""
        if route.access is Access.PUBLIC:
            self._take(route, origin.counted_as)
            return None
        identified = await self._checks.callers.identify(self.headers.get("authorization", ""), origin)
        user = identified.caller.user_id
        bind_contextvars(user=user)
        self._take(route, user)
        return identified.authorization

    def _take(self, route: Route, whom: object) -> None:
        if route.limit is not None:
            self._added += self._checks.limiter.take(route.limit, whom)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self._added]
        await self._send(message)


def _scope_as_admitted(scope: Scope, admitted: Admitted) -> Scope:
    """The gateway's own routes see the caller's token too where an API key was sent."""
    if admitted.authorization is None:
        return scope
    kept = [each for each in scope["headers"] if each[0] != b"authorization"]
    return {**scope, "headers": [*kept, (b"authorization", admitted.authorization.encode())]}
