"""Refusals of the gateway itself."""

from farebox.errors.by_status import NotFound, Refused, Unavailable


class RouteNotFound(NotFound):
    """This gateway has no such route; the client may be newer than the service."""

    code = "route_not_found"


class MethodNotAllowed(Refused):
    status = 405
    code = "method_not_allowed"


class RequestTooSlow(Refused):
    """The body did not arrive in time."""

    status = 408
    code = "request_too_slow"


class UpstreamDown(Unavailable):
    """A service behind the gateway is away; the request was not passed on."""

    code = "upstream_down"


class UpstreamSlow(Unavailable):
    """A service behind the gateway took too long; repeat with the same idempotency key."""

    code = "upstream_slow"


class UpstreamLost(Unavailable):
    """A service behind the gateway went away before its answer was whole."""

    code = "upstream_lost"
