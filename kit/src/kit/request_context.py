"""Request context: request id, deadline, log line, metrics, and the response to a crash."""

import asyncio
import logging
import re
import time
from functools import lru_cache
from secrets import token_hex

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.deadlines import ENCODED_HEADER, start_deadline
from kit.disconnects import connection
from kit.errors import ServiceError, Unavailable
from kit.log_fields import current_fields, set_fields
from kit.problems import from_crash, render

ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
# Answers are private unless they say otherwise: caches on the way keep none of them.
NO_STORE = (b"cache-control", b"no-store")
QUIET = {"/livez", "/readyz", "/metrics", "/internal/trust"}

REQUESTS = Counter("farebox_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "farebox_request_seconds",
    "Time from a request's head to its last byte, in seconds",
    ["method", "route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300),
)

log = structlog.stdlib.get_logger()
# The logger below `log`, for a check that costs less than a line that is not written.
access_log = logging.getLogger(__name__)


class RequestContextMiddleware:
    """Pure ASGI, because Starlette's BaseHTTPMiddleware would break streaming and context variables.

    `access_level` is the level of the line for each request: INFO where requests enter, DEBUG behind it.
    """

    def __init__(self, app: ASGIApp, access_level: int = logging.INFO) -> None:
        self.app, self._access_level = app, access_level

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _bind_context(scope)
        connection.set(receive)
        encoded_id = (b"x-request-id", request_id.encode())
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message["headers"], encoded_id]
                for name, _ in headers:
                    if name == b"cache-control":
                        break
                else:
                    headers.append(NO_STORE)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as crash:
            error = from_crash(crash)
            _log_crash(error, crash)
            if status != 0:
                raise
            await render(error)(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # uvicorn has waited long enough for the end of requests; what this one had begun is undone.
            if status == 0:
                restarting = Unavailable("Farebox is restarting; retry in a moment.")
                await render(restarting)(scope, receive, send_with_id)
            raise
        finally:
            self._record(scope, status, time.perf_counter() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route: str = getattr(scope.get("route"), "path", "unmatched")
        method: str = scope["method"]
        count, duration = _metrics_of(method, route, status)
        count.inc()
        duration.observe(seconds)
        if route not in QUIET and access_log.isEnabledFor(self._access_level):
            fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
            log.log(self._access_level, "request", **fields)


def outgoing_headers() -> dict[str, str]:
    """The request id and trace of the request being served, for calls to another service."""
    fields = current_fields()
    headers = {"X-Request-Id": fields.get("request_id") or new_request_id()}
    if "traceparent" in fields:
        headers["traceparent"] = fields["traceparent"]
    return headers


def accept_request_id(sent: str | None) -> str:
    return sent if sent is not None and ACCEPTED_ID.fullmatch(sent) else new_request_id()


def new_request_id() -> str:
    return token_hex(16)


def metrics_page() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _bind_context(scope: Scope) -> str:
    """Bind the id and the trace of this request to its context and start its deadline; returns the id."""
    sent: str | None = None
    timeout: bytes | None = None
    trace: dict[str, str] = {}
    for name, value in reversed(scope["headers"]):  # so that the first of repeated headers counts
        if name == b"x-request-id":
            sent = value.decode("latin-1")
        elif name == b"traceparent":
            trace["traceparent"] = value.decode("latin-1")
        elif name == ENCODED_HEADER:
            timeout = value
    start_deadline(timeout)
    request_id = accept_request_id(sent)
    set_fields({"request_id": request_id, **trace})
    return request_id


@lru_cache(maxsize=4096)
def _metrics_of(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def _log_crash(error: ServiceError, crash: Exception) -> None:
    if error.status in (503, 507):
        log.warning("outage", error=type(crash).__name__)
    else:
        log.error("crash", error=type(crash).__name__, exc_info=crash)
