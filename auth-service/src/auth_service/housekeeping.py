"""Housekeeping: delete expired rows, and rotate signing keys that are due."""

from datetime import UTC, datetime, timedelta

from auth_service.container import Container
from auth_service.passwords.repository import LoginAttemptRepository
from auth_service.sessions.repository import SessionRepository
from auth_service.tokens.repository import RevocationRepository
from kit.background import every

SECONDS = 60
FIRST_ANSWERS_KEPT_FOR = timedelta(days=1)


async def clean_up_forever(container: Container) -> None:
    await every(SECONDS, lambda: clean_up(container), failure="housekeeping_failed")


async def clean_up(container: Container) -> None:
    # Replicas may overlap: each statement is idempotent, and rotation takes a lock.
    now = datetime.now(UTC)
    async with container.database.transaction() as session:
        await RevocationRepository(session).delete_expired(now)
        await SessionRepository(session).delete_expired(now)
        await LoginAttemptRepository(session).delete_old()
        await container.first_answers.delete_older(session, FIRST_ANSWERS_KEPT_FOR)
        if container.settings.jwt_algorithm == "EdDSA":
            await container.signing_keys.rotate_when_due(session)
