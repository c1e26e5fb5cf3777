"""Composition root: the container, the app and the background tasks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from billing_service import course_endpoints, diagnosis
from billing_service.caches import PayerCache, listen_together
from billing_service.calendar_rules import Clock
from billing_service.container import Container
from billing_service.groups import endpoints as group_endpoints
from billing_service.groups import limit_endpoints, payer_endpoints, rule_endpoints
from billing_service.groups.scheduler import Scheduler
from billing_service.ledger import endpoints as ledger_endpoints
from billing_service.ledger.service import WRITERS, Ledger, utc_now
from billing_service.owners import endpoints as owner_endpoints
from billing_service.owners.events import OwnerEvents
from billing_service.prices import endpoints as price_endpoints
from billing_service.prices.cache import PriceCache
from billing_service.prices.queries import add_first_prices
from billing_service.purchases import endpoints as purchase_endpoints
from billing_service.purchases.cards import CardProvider, SimulatedCards
from billing_service.purchases.service import Purchases
from billing_service.settings import Settings
from billing_service.statements import context_endpoints
from billing_service.statements import endpoints as statement_endpoints
from billing_service.statements.queries import CostlyReads
from billing_service.statements.verification import Verifier
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks
from kit.database import Database
from kit.diagnosis import diagnosis_router
from kit.hot_routes import HotRoute, add_hot_routes
from kit.trust_store import TrustSource

# For the ledger's writers and sweeper, its verification, and notifications.
DRIVER_CONNECTIONS = WRITERS + 3
# The busiest route comes first, because the app tries routes in this order.
ROUTERS = (
    ledger_endpoints.router,
    statement_endpoints.router,
    context_endpoints.router,
    owner_endpoints.router,
    payer_endpoints.router,
    group_endpoints.router,
    rule_endpoints.router,
    limit_endpoints.router,
    purchase_endpoints.router,
    price_endpoints.router,
    course_endpoints.router,
    owner_endpoints.internal_router,
    diagnosis_router(diagnosis.checks),
)


def create_app(
    settings: Settings,
    trust_source: TrustSource | None = None,
    cards: CardProvider | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """The service; tests pass their own trust source, card provider and clock."""
    authentication = Authentication.create(settings, "billing-service")
    database = Database(settings, "billing-service", DRIVER_CONNECTIONS)
    price_cache, payer_cache = PriceCache(), PayerCache()
    notifications = listen_together(price_cache, payer_cache)
    ledger = Ledger(database, price_cache, payer_cache, clock)
    scheduler = Scheduler(database, ledger, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with database.transaction() as session:
            await add_first_prices(session, settings)
        async with httpx.AsyncClient() as client:
            follow_revocations = (
                authentication.follow(trust_source)
                if trust_source
                else authentication.follow_auth_service(client, settings.auth_url)
            )
            async with background_tasks(
                follow_revocations,
                notifications.listen(database),
                ledger.write_forever(),
                ledger.sweep_forever(settings.sweep_seconds),
                scheduler.run_forever(settings.schedule_seconds),
            ):
                yield
        await database.close()

    app = create_service("billing", lifespan=lifespan, routers=ROUTERS, ready=_ready)
    add_hot_routes(app, HotRoute(ledger_endpoints.OPERATIONS_PATH, ledger_endpoints.serve_operations))
    app.state.container = Container(
        settings=settings,
        authentication=authentication,
        database=database,
        ledger=ledger,
        price_cache=price_cache,
        payer_cache=payer_cache,
        clock=clock,
        scheduler=scheduler,
        owner_events=OwnerEvents(database, ledger, scheduler, settings.opening_grant),
        purchases=Purchases(database, ledger, _card_provider(settings, cards)),
        costly_reads=CostlyReads(database),
        verifier=Verifier(database),
    )
    return app


def _card_provider(settings: Settings, cards: CardProvider | None) -> CardProvider | None:
    return None if settings.purchases == "off" else cards or SimulatedCards()


async def _ready(app: FastAPI) -> None:
    """Raise without the database, and before the first trust update: every token is refused until then."""
    container: Container = app.state.container
    container.authentication.trust.require_loaded()
    await container.database.ping()
