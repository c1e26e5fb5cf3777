"""Events about users, published to the other services with their cause."""

import asyncio
import time
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import User
from auth_service.tokens.secrets import RootSecret
from kit.database import after_commit
from kit.outbox import Outbox, Relay

LONGEST_WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02
WALLETS = "billing-service"


class UserEvents:
    def __init__(self, outbox: Outbox, relay: Relay, secret: RootSecret) -> None:
        self._outbox, self._relay, self._secret = outbox, relay, secret

    async def created(self, session: AsyncSession, user: User) -> UUID:
        digest = self._secret.digest("account name", user.folded_name.encode()).hex()
        return await self._publish(
            session,
            "user_created",
            {"user_id": user.id, "name": user.name, "name_digest": digest, "role": user.role},
        )

    async def changed(self, session: AsyncSession, user: User) -> None:
        await self._publish(
            session,
            "user_changed",
            {"user_id": user.id, "name": user.name, "role": user.role, "disabled": user.disabled},
        )

    async def deleted(self, session: AsyncSession, user_id: int) -> None:
        await self._publish(session, "user_deleted", {"user_id": user_id})

    def wait_for_wallet(self, session: AsyncSession, event_id: UUID) -> None:
        """Delay the answer for a moment after the commit, so that a new user finds a wallet."""
        after_commit(session, partial(self._wait_for_delivery, event_id))

    async def _publish(
        self, session: AsyncSession, kind: str, data: dict[str, str | int | bool | None]
    ) -> UUID:
        event_id = await self._outbox.publish(session, kind, data)
        after_commit(session, self._nudge)
        return event_id

    async def _nudge(self) -> None:
        self._relay.nudge()

    async def _wait_for_delivery(self, event_id: UUID) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not await self._relay.is_delivered(event_id, WALLETS) and time.monotonic() < deadline:  # noqa: ASYNC110 - the relay of another replica may deliver it
            await asyncio.sleep(POLL_SECONDS)
