"""Composition root of ml-service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp
import httpx
from fastapi import FastAPI

from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks
from kit.database import Database
from kit.diagnosis import diagnosis_router
from kit.hot_routes import add_hot_routes
from kit.trust_store import TrustSource
from ml_service import diagnosis
from ml_service.accounts.endpoints import router as accounts
from ml_service.billing.http import HttpBilling
from ml_service.billing.port import Billing
from ml_service.boards.endpoints import router as boards
from ml_service.challenges.endpoints import router as challenges
from ml_service.container import Container, Resources, build
from ml_service.course.endpoints import HOT_PREDICT as HOT_COURSE_PREDICT
from ml_service.course.endpoints import router as course
from ml_service.datasets.endpoints import router as datasets
from ml_service.exports.endpoints import key_router as export_key
from ml_service.exports.endpoints import router as exports
from ml_service.jobs.endpoints import router as jobs
from ml_service.models.endpoints import router as models
from ml_service.predictions.batch_endpoints import router as batches
from ml_service.predictions.endpoints import HOT_PREDICT
from ml_service.predictions.endpoints import router as predictions
from ml_service.settings import MlSettings
from ml_service.submissions.endpoints import router as submissions

# One for notifications, one for the renewal of leases.
DRIVER_CONNECTIONS = 2
HOT_ROUTES = (HOT_PREDICT, HOT_COURSE_PREDICT)
ROUTERS = (
    *(datasets, models, predictions, batches, exports, export_key, jobs, accounts, course),
    *(challenges, submissions, boards),
    diagnosis_router(diagnosis.checks),
)


def create_app(
    settings: MlSettings, billing: Billing | None = None, trust: TrustSource | None = None
) -> FastAPI:
    """Create the app; `billing` and `trust` replace the other services in tests."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        authentication = Authentication.create(settings, "ml-service")
        database = Database(settings, "ml-service", DRIVER_CONNECTIONS)
        async with httpx.AsyncClient() as client, aiohttp.ClientSession() as billing_client:
            billing_port = billing or HttpBilling(
                billing_client, authentication.identity, settings.billing_url
            )
            resources = Resources(authentication, database, billing_port)
            app.state.container, loops = build(settings, resources)
            trust_updates = (
                authentication.follow(trust)
                if trust
                else authentication.follow_auth_service(client, settings.auth_url)
            )
            async with background_tasks(trust_updates, *loops):
                yield
        await database.close()

    app = create_service("ml-service", lifespan=lifespan, routers=ROUTERS, ready=check_ready)
    add_hot_routes(app, *HOT_ROUTES)
    return app


async def check_ready(app: FastAPI) -> None:
    """Raise without the database, and before the first trust update: every token is refused until then.

    The store must answer and belong to the database. Workers are not needed: trainings wait in the queue.
    """
    container: Container = app.state.container
    container.authentication.trust.require_loaded()
    await container.database.ping()
    container.ownership.require_verified()
    await container.store_probe.check()
