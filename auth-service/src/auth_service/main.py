"""Composition root: the container, the app, and the background tasks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI

from auth_service import course_email_endpoints, course_username_endpoints, diagnosis
from auth_service.api_keys import endpoints as api_keys
from auth_service.api_keys.service import ApiKeyService
from auth_service.container import Container
from auth_service.events import DESTINATIONS, GroupEvents, Publisher, UserEvents
from auth_service.groups import code_endpoints as join_codes
from auth_service.groups import endpoints as groups
from auth_service.groups.service import GroupService
from auth_service.models import first_answers, outbox
from auth_service.passwords.hashing import PasswordHasher
from auth_service.passwords.repository import KnownNetworkRepository, LoginAttemptRepository
from auth_service.passwords.service import PasswordCheck
from auth_service.rosters import endpoints as rosters
from auth_service.rosters.service import RosterService
from auth_service.sessions import endpoints as sessions
from auth_service.sessions.repository import SessionRepository
from auth_service.sessions.service import SessionService
from auth_service.settings import AuthSettings
from auth_service.tokens import endpoints as tokens
from auth_service.tokens.repository import RevocationRepository
from auth_service.tokens.revocations import DatabaseTrustSource, Revocations
from auth_service.tokens.secrets import Seal, load_root_secret
from auth_service.tokens.signing import AccessTokens, SigningKeys
from auth_service.users import endpoints as users
from auth_service.users.service import UserService
from kit.app import create_service
from kit.authentication import Authentication
from kit.background import background_tasks, every
from kit.database import Database
from kit.diagnosis import diagnosis_router
from kit.idempotency import FirstAnswers
from kit.outbox import Outbox, Relay

SERVICE = "auth-service"
CLEAN_UP_SECONDS = 60
FIRST_ANSWERS_KEPT_FOR = timedelta(days=1)
ROUTERS = (
    users.router,
    users.admin_router,
    sessions.router,
    tokens.router,
    api_keys.router,
    groups.router,
    join_codes.router,
    rosters.router,
    course_email_endpoints.router,
    course_username_endpoints.router,
    api_keys.internal_router,
    tokens.internal_router,
    diagnosis_router(diagnosis.checks),
)


def create_app(settings: AuthSettings) -> FastAPI:
    authentication = Authentication.create(settings, SERVICE)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        database = Database(settings, SERVICE)
        async with httpx.AsyncClient(trust_env=False) as client:
            relay = Relay(database, outbox, client, authentication.identity)
            container = await _build_container(settings, authentication, database, relay)
            app.state.container = container
            await _prepare(container)
            async with background_tasks(
                authentication.follow(container.trust_source),
                relay.follow("billing-service", settings.billing_url),
                relay.follow("ml-service", settings.ml_url),
                every(CLEAN_UP_SECONDS, lambda: clean_up(container), failure="housekeeping_failed"),
            ):
                yield
        container.hasher.close()
        await database.close()

    return create_service("auth-service", lifespan=lifespan, routers=ROUTERS, ready=_ready)


async def clean_up(container: Container) -> None:
    """Delete expired rows, and rotate the signing key when it is due.

    Replicas may overlap: each statement is idempotent, and rotation takes a lock.
    """
    now = datetime.now(UTC)
    async with container.database.transaction() as session:
        await RevocationRepository(session).delete_expired(now)
        await SessionRepository(session).delete_expired()
        await LoginAttemptRepository(session).delete_old()
        await KnownNetworkRepository(session).delete_old()
        await container.first_answers.expire_older(session, FIRST_ANSWERS_KEPT_FOR)
        if container.settings.jwt_algorithm == "EdDSA":
            await container.signing_keys.rotate_when_due(session)


async def _build_container(
    settings: AuthSettings, authentication: Authentication, database: Database, relay: Relay
) -> Container:
    seal, hasher = Seal(settings), PasswordHasher(settings)
    async with database.transaction() as session:
        secret = await load_root_secret(session, seal)
    signing_keys = SigningKeys(seal, settings)
    access_tokens = AccessTokens(settings, signing_keys)
    trust_source = DatabaseTrustSource(database, signing_keys, settings)
    revocations = Revocations(settings, authentication.trust, trust_source)
    publisher = Publisher(Outbox(outbox, DESTINATIONS), relay)
    group_events = GroupEvents(publisher)
    answers = FirstAnswers(database, first_answers)
    return Container(
        settings=settings,
        authentication=authentication,
        database=database,
        secret=secret,
        signing_keys=signing_keys,
        trust_source=trust_source,
        hasher=hasher,
        password_check=PasswordCheck(database, hasher, secret),
        sessions=SessionService(settings, database, secret, access_tokens, revocations),
        api_keys=ApiKeyService(secret, access_tokens, revocations),
        users=UserService(revocations, UserEvents(publisher, secret), answers),
        groups=GroupService(settings, group_events),
        rosters=RosterService(settings, group_events),
        first_answers=answers,
    )


async def _prepare(container: Container) -> None:
    """Create the first administrator and signing key, and load all revocations."""
    settings, keys = container.settings, container.signing_keys
    async with container.database.transaction() as session:
        await container.users.create_first_admin(session, settings, container.hasher)
        if settings.jwt_algorithm == "EdDSA":
            await keys.reseal(session)
            await keys.create_first(session)
    # Before the first request, or revoked tokens would be accepted until the first poll.
    await container.authentication.trust.refresh(container.trust_source)


async def _ready(app: FastAPI) -> None:
    await app.state.container.database.ping()
