"""Gate: the checks that every request passes before it is forwarded."""

from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from gateway.admission.authentication import AuthenticatedCaller, Authenticator
from gateway.admission.body import IncomingBody, check_framing
from gateway.admission.proxy_protocol import EXTENSION
from gateway.admission.rate_limiter import Headers, RateLimiter
from gateway.admission.trusted_proxies import Origin, TrustedProxies
from gateway.routing import Access, Body, Route, RouteTable

NO_SNIFFING = (b"x-content-type-options", b"nosniff")


class IncomingRequest:
    """A request, and the headers that the gateway adds to the response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.response_headers: Headers = [NO_SNIFFING]
        self.body: IncomingBody | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self.response_headers]
        await self._send(message)


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """A request that passed the gate. `authorization` is None on public routes."""

    route: Route
    origin: Origin
    authorization: str | None
    body: IncomingBody


@dataclass(frozen=True, slots=True)
class Gate:
    routes: RouteTable
    proxies: TrustedProxies
    authenticator: Authenticator
    rate_limiter: RateLimiter
    body_limits: dict[Body, int]

    async def admit(self, request: IncomingRequest) -> AdmittedRequest:
        """Raises the ServiceError of the first check that fails."""
        check_framing(request.scope["headers"], request.scope["http_version"])
        route = self._find_route(request)
        body = self._bound_body(request, route)
        origin = self._find_origin(request)
        authenticated = await self._authenticate(request, route, origin)
        self._limit_rate(request, route, origin, authenticated)
        return AdmittedRequest(route, origin, authenticated.authorization if authenticated else None, body)

    def _find_route(self, request: IncomingRequest) -> Route:
        scope = request.scope
        route = self.routes.find(scope["method"], scope["raw_path"].decode("latin-1"))
        # Metrics, logs and traces read the route's pattern from the scope.
        scope["route"] = route
        return route

    def _bound_body(self, request: IncomingRequest, route: Route) -> IncomingBody:
        request.body = IncomingBody(request.receive, request.headers, self.body_limits[route.body])
        return request.body

    def _find_origin(self, request: IncomingRequest) -> Origin:
        scope = request.scope
        peer = scope["client"][0] if scope["client"] else ""
        proxied_address = scope.get("extensions", {}).get(EXTENSION, {}).get("address")
        return self.proxies.origin_of(peer, scope["scheme"], request.headers, proxied_address)

    async def _authenticate(
        self, request: IncomingRequest, route: Route, origin: Origin
    ) -> AuthenticatedCaller | None:
        if route.access is Access.PUBLIC:
            return None
        authorization = request.headers.get("authorization", "")
        authenticated = await self.authenticator.authenticate(authorization, origin)
        bind_contextvars(user=authenticated.caller.user_id)
        return authenticated

    def _limit_rate(
        self,
        request: IncomingRequest,
        route: Route,
        origin: Origin,
        authenticated: AuthenticatedCaller | None,
    ) -> None:
        """Count authenticated callers by user, others by address."""
        if route.limit is not None:
            key = authenticated.caller.user_id if authenticated else origin.rate_limit_key
            request.response_headers += self.rate_limiter.take(route.limit, key)
