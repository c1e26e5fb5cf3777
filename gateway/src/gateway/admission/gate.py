"""Gate: the checks that every request passes before it is forwarded."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from gateway.admission.authentication import AuthenticatedCaller, Authenticator
from gateway.admission.body import IncomingBody, Pace
from gateway.admission.framing import check_framing, check_target
from gateway.admission.proxy_protocol import EXTENSION
from gateway.admission.rate_limiter import Headers, RateLimiter
from gateway.admission.trusted_proxies import Origin, TrustedProxies
from gateway.routing import Access, Body, Route, RouteTable
from kit.errors import ServiceError
from kit.log_fields import bind_fields

NO_SNIFFING = (b"x-content-type-options", b"nosniff")
CLOSE = (b"connection", b"close")


class ConcurrencyLimiter:
    """Requests or event streams of one caller at once, in this process's memory.

    Without it one user's slow requests could hold every connection to a service.
    """

    def __init__(self, limit: int, error: Callable[[int], ServiceError]) -> None:
        self.limit, self._error = limit, error
        self._open: dict[object, int] = {}

    def __len__(self) -> int:
        """The number of callers with something open."""
        return len(self._open)

    def enter(self, caller: object) -> None:
        """Count one more; raises the limiter's error beyond the limit."""
        count = self._open.get(caller, 0)
        if count >= self.limit:
            raise self._error(self.limit)
        self._open[caller] = count + 1

    def leave(self, caller: object) -> None:
        count = self._open[caller]
        if count == 1:
            del self._open[caller]
        else:
            self._open[caller] = count - 1


class IncomingRequest:
    """A request, and the headers that the gateway adds to the response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self._send = scope, receive, send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.response_headers: Headers = [NO_SNIFFING]
        self.body: IncomingBody | None = None
        self._entered: tuple[ConcurrencyLimiter, object] | None = None

    def enter(self, limiter: ConcurrencyLimiter, caller: object) -> None:
        """Count as one of the caller's open requests until `leave`; raises the limiter's error."""
        limiter.enter(caller)
        self._entered = limiter, caller

    def leave(self) -> None:
        if self._entered is not None:
            limiter, caller = self._entered
            limiter.leave(caller)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self.response_headers]
        await self._send(message)


@dataclass(slots=True)
class AdmittedRequest:
    """A request that passed the gate.

    `authorization` replaces the header that the client sent, if that was an API key.
    """

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
    in_flight: ConcurrencyLimiter
    open_streams: ConcurrencyLimiter
    body_limits: dict[Body, int]
    pace: Pace

    async def admit(self, request: IncomingRequest) -> AdmittedRequest:
        """Raises the ServiceError of the first check that fails."""
        scope, headers = request.scope, request.headers
        check_framing(scope["headers"], scope["http_version"])
        check_target(scope["raw_path"], scope["query_string"])
        if b"upgrade" in headers:
            # The parser takes what follows for another protocol and would leave a next request unanswered.
            request.response_headers.append(CLOSE)
        route = self.routes.find(scope["method"], scope["raw_path"].decode("latin-1"))
        # Metrics, logs and traces read the route's pattern from the scope.
        scope["route"] = route
        body = request.body = IncomingBody(request.receive, headers, self.body_limits[route.body], self.pace)
        origin = self._find_origin(request)
        caller: AuthenticatedCaller | None = None
        if route.access is not Access.PUBLIC:
            caller = await self.authenticator.authenticate(headers.get(b"authorization", b""), origin)
            bind_fields(user=caller.user_id)
        if route.limit is not None:
            # Authenticated callers are counted by user, others by address.
            key = caller.user_id if caller else origin.rate_limit_key
            request.response_headers += self.rate_limiter.take(route.limit, key)
            request.enter(self.open_streams if route.is_stream else self.in_flight, key)
        return AdmittedRequest(route, origin, caller.exchanged_authorization if caller else None, body)

    def _find_origin(self, request: IncomingRequest) -> Origin:
        scope = request.scope
        peer = scope["client"][0] if scope["client"] else ""
        extensions = scope.get("extensions")
        proxied_address = extensions.get(EXTENSION, {}).get("address") if extensions else None
        return self.proxies.origin_of(peer, scope["scheme"], request.headers, proxied_address)
