"""How the gateway is put together."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.middleware import Middleware

from gateway.admission.api_keys import ApiKeys
from gateway.admission.auth_service import AuthServiceKeys
from gateway.admission.authentication import Callers
from gateway.admission.gate import Checks, Gate
from gateway.admission.rate_limiter import RateLimiter
from gateway.admission.rates import describe
from gateway.admission.trusted_proxies import Origins
from gateway.aggregate import endpoints as joined
from gateway.aggregate.health import Health
from gateway.aggregate.service import Siblings
from gateway.container import Container
from gateway.cors import allow_origins
from gateway.documentation import endpoints as documentation
from gateway.documentation.service import Documentation
from gateway.forwarding.proxy import Proxy
from gateway.forwarding.upstream import AiohttpUpstreams
from gateway.health import endpoints as health
from gateway.metrics import metrics_served
from gateway.route_matching import RouteTable
from gateway.routing import PUBLISHED, Route
from gateway.settings import GatewaySettings
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks


def create_app(settings: GatewaySettings, routes: tuple[Route, ...] = PUBLISHED) -> FastAPI:
    authentication = Authentication.create(settings, "gateway")
    upstreams = AiohttpUpstreams()
    client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(keepalive_expiry=4))
    table = RouteTable(routes)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        following = authentication.follow_auth_service(client, settings.auth_url)
        with metrics_served(settings.metrics_host, settings.metrics_port):
            async with client, upstreams, background_tasks(following):
                yield

    async def ready(_app: FastAPI) -> None:
        authentication.trust.require_loaded()

    app = create_service(
        "gateway",
        lifespan=lifespan,
        routers=[joined.router, health.router, documentation.router],
        ready=ready,
        own_docs=False,
    )
    limiter = RateLimiter(settings.policies, time.monotonic)
    api_keys = ApiKeys(AuthServiceKeys(client, authentication.identity, settings.auth_url))
    callers = Callers(authentication.verifier, api_keys, limiter)
    checks = Checks(table, Origins(settings.trusted_proxies), limiter, callers, settings.body_limits)
    app.state.container = Container(
        authentication=authentication,
        siblings=Siblings(client, settings.upstream_urls),
        health=Health(client, settings.upstream_urls),
        rates=describe(settings.policies),
        documentation=Documentation(client, settings.upstream_urls, table, app.openapi),
    )
    # The last one added stands innermost: inside request ids and logs, outside the framework's routing.
    app.user_middleware.append(
        Middleware(Gate, checks=checks, proxy=Proxy(upstreams, settings.upstream_urls))
    )
    allow_origins(app, settings.cors_origins)
    return app
