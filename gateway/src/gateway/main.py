"""Composition root of the gateway: container, routes, middleware and background tasks."""

import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import httpx
from fastapi import FastAPI
from prometheus_client import start_http_server
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from gateway.admission.authentication import ApiKeyTokens, Authenticator, HttpApiKeyExchange
from gateway.admission.gate import ConcurrencyLimiter, Gate
from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.trusted_proxies import TrustedProxies
from gateway.aggregate import endpoints as aggregate
from gateway.aggregate.diagnosis import InstallationDiagnosis, own_checks
from gateway.aggregate.health import Health
from gateway.aggregate.service import Upstreams
from gateway.container import Container
from gateway.documentation import endpoints as documentation
from gateway.documentation.service import Documentation
from gateway.errors import TooManyInFlight, TooManyStreams
from gateway.forwarding.proxy import Proxy, ProxyMiddleware
from gateway.forwarding.upstream import IDLE_SECONDS, AiohttpClient
from gateway.routing import PUBLISHED, Pool, Route, RouteTable
from gateway.settings import GatewaySettings
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks

EXPOSED_HEADERS = [
    "X-Request-Id",
    "X-Tokens-Charged",
    "X-Tokens-Balance",
    "X-Receipt-Id",
    "Idempotency-Replayed",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
]


# Connections to upstreams. One user holds at most MAX_REQUESTS_IN_FLIGHT and MAX_OPEN_STREAMS of them.
POOL_SIZES = {Pool.AUTH: 512, Pool.BILLING: 512, Pool.ML: 1024, Pool.UPLOADS: 256, Pool.STREAMS: 1024}


def create_app(settings: GatewaySettings, routes: tuple[Route, ...] = PUBLISHED) -> FastAPI:
    authentication = Authentication.create(settings, "gateway")
    pools = {pool: AiohttpClient(size) for pool, size in POOL_SIZES.items()}
    # Each its own pool, so that nothing slow delays revocations or logins by API key.
    certificates = httpx.create_ssl_context(trust_env=False)
    client, trust_client, key_client = (_create_client(certificates) for _ in range(3))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        trust_feed = authentication.follow_auth_service(trust_client, settings.auth_url)
        async with AsyncExitStack() as stack:
            stack.enter_context(_metrics_server(settings.metrics_host, settings.metrics_port))
            for resource in (client, trust_client, key_client, *pools.values()):
                await stack.enter_async_context(resource)
            await stack.enter_async_context(background_tasks(trust_feed))
            yield

    async def ready(_app: FastAPI) -> None:
        authentication.trust.require_loaded()

    app = create_service(
        "gateway",
        lifespan=lifespan,
        routers=[aggregate.router, documentation.router],
        ready=ready,
        is_entrance=True,
    )
    route_table, urls = RouteTable(routes), settings.upstream_urls
    container = app.state.container = Container(
        settings=settings,
        authentication=authentication,
        gate=_create_gate(settings, authentication, key_client, route_table),
        proxy=Proxy(pools, urls),
        upstreams=Upstreams(client, pools, urls),
        health=Health(client, urls),
        diagnosis=InstallationDiagnosis(client, authentication.identity, urls, own_checks(settings)),
        documentation=Documentation(client, urls, route_table, app.openapi),
    )
    # The last middleware is the innermost: inside request ids and logs, outside FastAPI's routing.
    app.user_middleware.append(Middleware(ProxyMiddleware, gate=container.gate, proxy=container.proxy))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=EXPOSED_HEADERS,
        )
    return app


def _create_gate(
    settings: GatewaySettings,
    authentication: Authentication,
    key_client: httpx.AsyncClient,
    routes: RouteTable,
) -> Gate:
    rate_limiter = RateLimiter(settings.policies)
    exchange = HttpApiKeyExchange(key_client, authentication.identity, settings.auth_url)
    return Gate(
        routes=routes,
        proxies=TrustedProxies(settings.trusted_proxies),
        authenticator=Authenticator(authentication.verifier, ApiKeyTokens(exchange), rate_limiter),
        rate_limiter=rate_limiter,
        in_flight=ConcurrencyLimiter(settings.max_requests_in_flight, TooManyInFlight),
        open_streams=ConcurrencyLimiter(settings.max_open_streams, TooManyStreams),
        body_limits=settings.body_limits,
        pace=settings.pace,
    )


def _create_client(certificates: ssl.SSLContext) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=100, keepalive_expiry=IDLE_SECONDS)
    return httpx.AsyncClient(trust_env=False, verify=certificates, limits=limits)


@contextmanager
def _metrics_server(host: str, port: int | None) -> Generator[None]:
    """Serve the metrics on a separate port, so that the public port never shows them."""
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
