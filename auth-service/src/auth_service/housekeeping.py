"""What is thrown away when its time has come, and keys that are due for a successor."""

import asyncio

import structlog

from auth_service.after_commit import AfterCommit
from auth_service.base import utc_now
from auth_service.container import Parts, Services
from auth_service.idempotency.repository import FirstAnswerRepository
from auth_service.passwords.repository import LoginAttemptRepository
from auth_service.revocations.repository import RevocationRepository
from auth_service.sessions.repository import SessionRepository

EVERY_SECONDS = 60

log = structlog.stdlib.get_logger()


async def keep_up(parts: Parts) -> None:
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await tidy(parts)
        except Exception as error:
            # Nothing is lost by tidying later; the loop must outlive an outage of the database.
            log.warning("not_tidied", error=type(error).__name__)


async def tidy(parts: Parts) -> None:
    now = utc_now()
    async with parts.database.transaction() as session:
        await RevocationRepository(session).delete_expired(now)
        await SessionRepository(session).delete_expired(now)
        await LoginAttemptRepository(session).delete_old()
        await FirstAnswerRepository(session).delete_old()
        if parts.settings.jwt_algorithm == "EdDSA":
            await Services(parts, session, AfterCommit()).signing_keys.rotate_when_due()
