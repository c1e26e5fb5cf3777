"""The composition root: what the process holds, and the loops that run beside the requests."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from auth_service.api_keys import endpoints as api_keys
from auth_service.container import Parts
from auth_service.course import email_endpoints as emails
from auth_service.course import username_endpoints as usernames
from auth_service.housekeeping import keep_up
from auth_service.metadata import outbox
from auth_service.passwords.hashing import PasswordHasher
from auth_service.sessions import endpoints as sessions
from auth_service.settings import AuthSettings
from auth_service.signing_keys import endpoints as signing_keys
from auth_service.startup import load_secret, prepare
from auth_service.tokens import endpoints as revocations
from auth_service.tokens.revocations import DatabaseTrustSource
from auth_service.tokens.secrets import Seal
from auth_service.users import admin_endpoints as users_for_admins
from auth_service.users import endpoints as users
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks
from kit.database import Database
from kit.outbox import Outbox, Relay

SERVICE = "auth-service"
ROUTERS = (
    users.router,
    users_for_admins.router,
    sessions.router,
    signing_keys.router,
    api_keys.router,
    emails.router,
    usernames.router,
    api_keys.internal_router,
    revocations.internal_router,
)


def create_app(settings: AuthSettings) -> FastAPI:
    authentication = Authentication.create(settings, SERVICE)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        database, hasher, seal = Database(settings, SERVICE), PasswordHasher(settings), Seal(settings)
        source = DatabaseTrustSource(database, seal, settings)
        async with httpx.AsyncClient(trust_env=False) as client:
            relay = Relay(database, outbox, client, authentication.identity)
            parts = app.state.container = Parts(
                authentication=authentication,
                settings=settings,
                database=database,
                hasher=hasher,
                seal=seal,
                secret=await load_secret(database, seal),
                outbox=Outbox(outbox, ("billing-service", "ml-service")),
                relay=relay,
                trust=authentication.trust,
                trust_source=source,
            )
            await prepare(parts)
            async with background_tasks(
                authentication.follow(source),
                relay.follow("billing-service", settings.billing_url),
                relay.follow("ml-service", settings.ml_url),
                keep_up(parts),
            ):
                yield
        hasher.close()
        await database.close()

    return create_service("auth-service", lifespan=lifespan, routers=ROUTERS, ready=_check)


async def _check(app: FastAPI) -> None:
    parts: Parts = app.state.container
    await parts.database.ping()
