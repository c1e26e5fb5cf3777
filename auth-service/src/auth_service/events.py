"""Events about users and groups, published to other services in the transaction of the change."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.models import Group, Membership, RosterEntry, User
from auth_service.tokens.secrets import RootSecret
from kit.database import after_commit
from kit.outbox import Delivery, Outbox, Relay

BILLING, ML = "billing-service", "ml-service"
DESTINATIONS = (BILLING, ML)
LONGEST_WAIT_SECONDS = 2.0
DELIVERY = "delivery"


class Publisher:
    """Writes events to the outbox; the relay delivers them after the commit."""

    def __init__(self, outbox: Outbox, relay: Relay) -> None:
        self._outbox, self._relay = outbox, relay

    async def publish(
        self, session: AsyncSession, kind: str, data: dict[str, str | int | bool | None]
    ) -> UUID:
        event_id = await self._outbox.publish(session, kind, data)
        after_commit(session, self._nudge)
        return event_id

    def wait_for(self, session: AsyncSession, event_id: UUID, destinations: Sequence[str]) -> None:
        """Delay the response after the commit until the destinations have the event, at most 2 s.

        Of several events only the last is waited for, since they are delivered in order.
        """
        if DELIVERY not in session.info:
            after_commit(session, partial(_wait_for_delivery, session))
        session.info[DELIVERY] = self._relay.expect(event_id, destinations)

    async def _nudge(self) -> None:
        self._relay.nudge()


async def _wait_for_delivery(session: AsyncSession) -> None:
    delivery: Delivery = session.info[DELIVERY]
    await delivery.wait(LONGEST_WAIT_SECONDS)


class UserEvents:
    def __init__(self, publisher: Publisher, secret: RootSecret) -> None:
        self._publisher, self._secret = publisher, secret

    async def created(self, session: AsyncSession, user: User) -> UUID:
        digest = self._secret.digest("account name", user.folded_name.encode()).hex()
        return await self._publisher.publish(
            session,
            "user_created",
            {"user_id": user.id, "name": user.name, "name_digest": digest, "role": user.role},
        )

    async def changed(self, session: AsyncSession, user: User) -> None:
        await self._publisher.publish(
            session,
            "user_changed",
            {"user_id": user.id, "name": user.name, "role": user.role, "disabled": user.disabled},
        )

    async def deleted(self, session: AsyncSession, user_id: int) -> None:
        await self._publisher.publish(session, "user_deleted", {"user_id": user_id})

    def wait_for_wallet(self, session: AsyncSession, event_id: UUID) -> None:
        self._publisher.wait_for(session, event_id, (BILLING,))


class GroupEvents:
    """Events of groups; each response waits until the other services know the change.

    Changes of a group are made under the lock of its row, so its events are delivered in their order.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def changed(self, session: AsyncSession, group: Group) -> None:
        data: dict[str, str | int | bool | None] = {
            "group_id": group.id,
            "name": group.name,
            "kind": group.kind,
            "time_zone": group.time_zone,
            "state": group.state,
        }
        await self._publish(session, "group_changed", data)

    async def deleted(self, session: AsyncSession, group_id: int) -> None:
        await self._publish(session, "group_deleted", {"group_id": group_id})

    async def membership_changed(
        self, session: AsyncSession, membership: Membership, entry: RosterEntry | None
    ) -> None:
        data = {
            "group_id": membership.group_id,
            "user_id": membership.user_id,
            "role": membership.role,
            "state": membership.state,
            "alias": membership.alias,
            "external_id": entry.external_id if entry else None,
            "member_name": entry.name if entry else None,
        }
        await self._publish(session, "membership_changed", data)

    async def _publish(
        self, session: AsyncSession, kind: str, data: dict[str, str | int | bool | None]
    ) -> None:
        event_id = await self._publisher.publish(session, kind, data)
        self._publisher.wait_for(session, event_id, DESTINATIONS)
