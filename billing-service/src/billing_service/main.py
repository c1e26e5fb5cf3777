"""The composition root."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from billing_service.container import Container
from billing_service.course import endpoints as course
from billing_service.exports import endpoints as exports
from billing_service.ledger import endpoints as operations
from billing_service.ledger.service import Ledger
from billing_service.ledger.sweeper import Sweeper
from billing_service.owners import endpoints as events
from billing_service.owners.service import Owners
from billing_service.prices import endpoints as prices
from billing_service.prices.service import introduce_prices
from billing_service.purchases import endpoints as purchases
from billing_service.purchases.cards import CardProvider
from billing_service.purchases.service import Purchases
from billing_service.purchases.simulation import SimulatedCards
from billing_service.receipts import endpoints as receipts
from billing_service.settings import Settings
from billing_service.statements import endpoints as ledger_pages
from billing_service.usage import endpoints as usage
from billing_service.verification import endpoints as verification
from billing_service.wallets import endpoints as wallets
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks
from kit.database import Database
from kit.trust_store import TrustSource

# The busiest route comes first, because a router tries them in order.
NOUNS = (
    operations,
    wallets,
    ledger_pages,
    verification,
    receipts,
    usage,
    purchases,
    prices,
    exports,
    course,
    events,
)


def create_app(
    settings: Settings, trust_source: TrustSource | None = None, cards: CardProvider | None = None
) -> FastAPI:
    """The service; tests may bring their own news of revocations and their own card provider."""
    authentication = Authentication.create(settings, "billing-service")
    database = Database(settings, "billing-service")
    ledger = Ledger(database)
    sweeper = Sweeper(database, ledger)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        await introduce_prices(database, settings)
        async with httpx.AsyncClient() as client:
            following = (
                authentication.follow(trust_source)
                if trust_source
                else authentication.follow_auth_service(client, settings.auth_url)
            )
            async with background_tasks(
                following, ledger.write_forever(), sweeper.sweep_forever(settings.sweep_seconds)
            ):
                yield
        await database.close()

    app = create_service("billing", lifespan=lifespan, routers=[noun.router for noun in NOUNS], ready=_ready)
    app.state.container = Container(
        settings=settings,
        authentication=authentication,
        database=database,
        ledger=ledger,
        owners=Owners(database, ledger, settings.opening_grant),
        purchases=Purchases(database, ledger, cards or SimulatedCards()),
    )
    return app


async def _ready(app: FastAPI) -> None:
    await app.state.container.database.ping()
