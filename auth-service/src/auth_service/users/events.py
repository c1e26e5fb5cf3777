"""What other services are told about users."""

import asyncio
import time
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.after_commit import AfterCommit
from auth_service.models import User
from auth_service.secrets.service import RootSecret
from kit.outbox import Outbox, Relay

LONGEST_WAIT_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.02
WALLETS = "billing-service"


class Delivery:
    """Hurries events on once they are committed."""

    def __init__(self, relay: Relay, after_commit: AfterCommit) -> None:
        self._relay, self._after_commit = relay, after_commit

    def hurry(self) -> None:
        self._after_commit.add(self._nudge)

    def wait_for_wallet(self, event_id: UUID) -> None:
        """Hold the answer back for a moment, so that a new user finds a wallet."""
        self._after_commit.add(partial(self._wait, event_id))

    async def _nudge(self) -> None:
        self._relay.nudge()

    async def _wait(self, event_id: UUID) -> None:
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not await self._relay.is_delivered(event_id, WALLETS) and time.monotonic() < deadline:  # noqa: ASYNC110 - the relay of another replica may deliver it
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


class UserEvents:
    def __init__(self, session: AsyncSession, outbox: Outbox, secret: RootSecret, delivery: Delivery) -> None:
        self._session, self._outbox, self._secret, self._delivery = session, outbox, secret, delivery

    async def created(self, user: User) -> None:
        digest = self._secret.digest("account name", user.folded_name.encode()).hex()
        event_id = await self._publish(
            "user_created",
            {"user_id": user.id, "name": user.name, "name_digest": digest, "role": user.role},
        )
        self._delivery.wait_for_wallet(event_id)

    async def changed(self, user: User) -> None:
        await self._publish(
            "user_changed",
            {"user_id": user.id, "name": user.name, "role": user.role, "disabled": user.disabled},
        )

    async def deleted(self, user_id: int) -> None:
        await self._publish("user_deleted", {"user_id": user_id})

    async def _publish(self, kind: str, data: dict[str, str | int | bool | None]) -> UUID:
        self._delivery.hurry()
        return await self._outbox.publish(self._session, kind, data)
