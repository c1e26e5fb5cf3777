"""Traces for OpenTelemetry. Imported only when OTEL_EXPORTER_OTLP_ENDPOINT is set, so they cost nothing else.

A span stands around each request. Its place in the trace goes on through `outgoing_headers`, which pass the
request's traceparent to the services that it calls.
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
    """Record the app's requests and send them where the OTEL_ variables say, until its lifespan ends."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    app.add_middleware(RequestSpans, tracer=provider.get_tracer("kit"))
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def flush_at_shutdown(app: FastAPI) -> AsyncGenerator[None]:
        # Not after uvicorn has returned: a process that received SIGTERM ends within it.
        async with lifespan(app):
            yield
        await asyncio.to_thread(provider.shutdown)

    app.router.lifespan_context = flush_at_shutdown


class RequestSpans:
    """Middleware outside of kit.request_context, which finds in the headers the span that was begun here."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self.app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        sent = {TRACEPARENT: Headers(scope=scope).get(TRACEPARENT, "")}
        method: str = scope["method"]
        with self._tracer.start_as_current_span(method, PROPAGATOR.extract(sent), SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)
            injected: dict[str, str] = {}
            PROPAGATOR.inject(injected)
            kept = [each for each in scope["headers"] if each[0] != b"traceparent"]
            scope = {**scope, "headers": [*kept, (b"traceparent", injected[TRACEPARENT].encode())]}

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note_answer(span, scope, message["status"])
                await send(message)

            await self.app(scope, receive, send_noted)


def _note_answer(span: Span, scope: Scope, status: int) -> None:
    """By now the route is known; its pattern names the span, as paths hold people's names."""
    route = getattr(scope.get("route"), "path", None)
    if route is not None:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(StatusCode.ERROR)
