"""OpenTelemetry tracing, imported only when OTEL_EXPORTER_OTLP_ENDPOINT is set.

Each request has a span. `outgoing_headers` pass the request's traceparent on to other services.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.request_context import QUIET

TRACEPARENT = "traceparent"
PROPAGATOR = TraceContextTextMapPropagator()


def trace(app: FastAPI, service: str) -> None:
    """Record a span for each request and export it as the OTEL_ variables configure."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app.add_middleware(RequestSpans, tracer=provider.get_tracer("kit"))
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def flush_at_shutdown(app: FastAPI) -> AsyncGenerator[None]:
        # Within the lifespan: after SIGTERM the process ends before uvicorn returns.
        async with lifespan(app):
            yield
        await asyncio.to_thread(provider.shutdown)

    app.router.lifespan_context = flush_at_shutdown


class RequestSpans:
    """Middleware outside kit.request_context, to which it passes the span in the headers."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        received = {TRACEPARENT: Headers(scope=scope).get(TRACEPARENT, "")}
        method: str = scope["method"]
        with self._tracer.start_as_current_span(
            method, PROPAGATOR.extract(received), SpanKind.SERVER
        ) as span:
            span.set_attribute("http.request.method", method)
            injected: dict[str, str] = {}
            PROPAGATOR.inject(injected)
            headers = [header for header in scope["headers"] if header[0] != b"traceparent"]
            scope = {**scope, "headers": [*headers, (b"traceparent", injected[TRACEPARENT].encode())]}

            async def send_and_record(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _record_response(span, scope, message["status"])
                await send(message)

            await self.app(scope, receive, send_and_record)


def _record_response(span: Span, scope: Scope, status: int) -> None:
    """Name the span by the route's pattern, since paths contain users' names."""
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
