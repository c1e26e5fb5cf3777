"""App factory: the FastAPI app of every service, the server that runs it, and its graceful shutdown."""

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from asyncio import Protocol
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, TypeVar

import orjson
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from kit.errors import ServiceError, Unavailable
from kit.http_protocol import JoiningHttpProtocol
from kit.logs import configure_logging
from kit.problems import ANY_PROBLEM, install_problem_handlers, set_media_type
from kit.request_context import RequestContextMiddleware, metrics_page
from kit.settings import ServiceSettings, read_settings

Settings = TypeVar("Settings", bound=ServiceSettings)
Check = Callable[[FastAPI], Awaitable[None]]
GRACEFUL_SECONDS = 20
COLLECTION_THRESHOLDS = (50_000, 20, 20)
# JSON is parsed on the event loop, 30 ms for this size. A hot route may have another way for larger bodies.
LARGEST_JSON = 1024 * 1024
# Exit status that uvicorn uses for a failed start-up.
STARTUP_FAILURE = 3
# Far longer than clients keep an idle connection (httpx 5 s, the gateway 4 s): the client must close
# first, or its next request uses a connection that the server is closing.
KEEP_ALIVE_SECONDS = 75
# `kit.tracing` records spans. FastAPI's own telemetry reads the environment in each request, 9 % of the time
# of a busy route.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
MOST_DESCRIPTORS = 65_536
# Load balancers probe with either method.
PROBED = ["GET", "HEAD"]


class StrictRequest(Request):
    """Reads strict JSON: no NaN, no Infinity, no number beyond a float."""

    async def json(self) -> object:
        body = await self.body()
        if len(body) > LARGEST_JSON:
            # FastAPI turns every other exception here into 400.
            raise HTTPException(413)
        return orjson.loads(body)


class StrictRoute(APIRoute):
    def get_route_handler(
        self,
    ) -> Callable[[Request], Coroutine[Any, Any, Response]]:  # Any: FastAPI's own type
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return handle_strictly


def create_service(
    title: str,
    *,
    lifespan: Lifespan[FastAPI],
    routers: Sequence[APIRouter],
    ready: Check,
    is_entrance: bool = False,
) -> FastAPI:
    """An app with problem documents, request ids, logs, metrics, health routes and these routers.

    `ready` raises while the service is not ready; /readyz then responds 503. The entrance, which all requests
    pass, logs each of them; a service behind it does so at level DEBUG only. A service serves /openapi.json,
    /docs and /redoc, whose pages include their scripts and so work offline.
    """
    app_class = FastAPI if is_entrance else FastAPIOffline
    address = None if is_entrance else "/openapi.json"
    app = app_class(
        title=f"Farebox {title}",
        version="1",
        lifespan=lifespan,
        openapi_url=address,
        responses=ANY_PROBLEM,
        telemetry=NO_TELEMETRY,
    )
    app.openapi = lru_cache(partial(_describe, app))
    app.build_middleware_stack = partial(_build_middleware_stack, app)
    install_problem_handlers(app)
    for router in (_operational_routes(app, ready), *routers):
        app.include_router(router)
    app.state.stopping = asyncio.Event()
    app.add_middleware(EventStreamCloser, stopping=app.state.stopping)
    level = logging.INFO if is_entrance else logging.DEBUG
    app.add_middleware(RequestContextMiddleware, access_level=level)
    return app


def _describe(app: FastAPI) -> dict[str, Any]:  # Any: an OpenAPI document
    return set_media_type(FastAPI.openapi(app))


def _build_middleware_stack(app: FastAPI) -> ASGIApp:
    """The middleware that was added to the app, without FastAPI's three around it.

    They respond to crashes, as RequestContextMiddleware does, record telemetry and limit bodies, which are
    off. Each request would pass them, and each message of its response.
    """
    # Any: each middleware has the next one as `app`
    stack: Any = FastAPI.build_middleware_stack(app)
    outermost: Any = app.user_middleware[0].cls  # Any: as above
    while type(stack) is not outermost:
        stack = stack.app
    return stack


def strict_router(prefix: str = "", tags: list[str] | None = None) -> APIRouter:
    return APIRouter(prefix=prefix, tags=list(tags or []), route_class=StrictRoute)


def _operational_routes(app: FastAPI, ready: Check) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/livez", methods=PROBED)
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @routes.api_route("/readyz", methods=PROBED)
    async def readyz() -> dict[str, str]:
        try:
            await ready(app)
        except ServiceError:
            raise
        except Exception as error:
            # A probe receives 503, not 500, for any cause.
            raise Unavailable(f"Not ready: {type(error).__name__}.") from error
        return {"status": "ready"}

    @routes.get("/metrics")
    async def metrics() -> Response:
        return metrics_page()

    return routes


def serve(
    service: str,
    settings_class: type[Settings],
    create_app: Callable[[Settings], FastAPI],
    port: int,
    protocol: type[Protocol] = JoiningHttpProtocol,
) -> None:
    """Run a service until it is stopped; an invalid setting exits with one line."""
    settings = read_settings(service, settings_class)
    configure_logging(service, settings.log_level, settings.log_dir)
    allow_many_connections()
    app = create_app(settings)
    if settings.otel_exporter_otlp_endpoint:
        from kit.tracing import trace

        trace(app, service)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port or port,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    server = GracefulServer(config, app.state.stopping)
    signal.signal(signal.SIGTERM, _end)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def allow_many_connections() -> None:
    """Raise the soft limit of descriptors, often 1,024, which one user's connections could exhaust."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if wanted > soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _end(number: int, _frame: object) -> None:
    """Write the last log lines; uvicorn raises the signal again after its shutdown, to end the process."""
    logging.shutdown()
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


class GracefulServer(uvicorn.Server):
    """Finishes requests in flight, but sets `stopping` first."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Whatever exists now lives as long as the process. Searched again by each full collection, it stopped
        # all requests for 90 ms and took a third of the time of a small one.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTION_THRESHOLDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping.set()
        await super().shutdown(sockets)


class EventStreamCloser:
    """Middleware that ends Server-Sent Events at shutdown; clients resume on another replica."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self.app, self._stopping = app, stopping

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # Only a GET can be a stream of events.
        if scope["type"] == "http" and scope["method"] == "GET":
            return self._serve(scope, receive, send)
        return self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        ending: asyncio.Task[None] | None = None
        serving = asyncio.current_task()

        async def send_and_watch(message: Message) -> None:
            nonlocal ending
            if message["type"] == "http.response.start" and serving is not None and _is_stream(message):
                ending = asyncio.create_task(self._end(serving))
            await send(message)

        try:
            await self.app(scope, receive, send_and_watch)
        except asyncio.CancelledError:
            if ending is None or not ending.done() or serving is None:
                raise
            serving.uncancel()
            await send({"type": "http.response.body", "body": b""})
        finally:
            if ending is not None:
                ending.cancel()

    async def _end(self, serving: "asyncio.Task[None]") -> None:
        await self._stopping.wait()
        serving.cancel()


def _is_stream(head: Message) -> bool:
    return Headers(raw=head["headers"]).get("content-type", "").startswith("text/event-stream")
