"""Request context: request id, log line, metrics, and the response to a crash."""

import re
import time
from uuid import uuid4

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from kit.errors import ServiceError
from kit.problems import from_crash, render

ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
QUIET = {"/livez", "/readyz", "/metrics", "/internal/trust"}

REQUESTS = Counter("farebox_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "farebox_request_seconds",
    "Time from a request's head to its last byte, in seconds",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300),
)

log = structlog.stdlib.get_logger()


class RequestContextMiddleware:
    """Pure ASGI, because Starlette's BaseHTTPMiddleware would break streaming and context variables."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = accept_request_id(headers.get("x-request-id"))
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        if (parent := headers.get("traceparent")) is not None:
            bind_contextvars(traceparent=parent)
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as crash:
            error = from_crash(crash)
            _log_crash(error, crash)
            if status != 0:
                raise
            await render(error)(scope, receive, send_with_id)
        finally:
            _record(scope, status, time.perf_counter() - started)


def outgoing_headers() -> dict[str, str]:
    """The request id and trace of the request being served, for calls to another service."""
    bound = get_contextvars()
    headers = {"X-Request-Id": bound.get("request_id", uuid4().hex)}
    if "traceparent" in bound:
        headers["traceparent"] = bound["traceparent"]
    return headers


def accept_request_id(sent: str | None) -> str:
    return sent if sent is not None and ACCEPTED_ID.fullmatch(sent) else uuid4().hex


def metrics_page() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _log_crash(error: ServiceError, crash: Exception) -> None:
    if error.status == 503:
        log.warning("outage", error=type(crash).__name__)
    else:
        log.error("crash", error=type(crash).__name__, exc_info=crash)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    method: str = scope["method"]
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)
    if route not in QUIET:
        log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))
