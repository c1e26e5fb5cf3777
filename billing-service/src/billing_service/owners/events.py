"""User events from auth-service, applied to wallets and owners."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.fields import AccountName, Label
from billing_service.groups.events import GroupEvent, store_group_event
from billing_service.groups.queries import remove_user
from billing_service.groups.scheduler import Scheduler
from billing_service.ledger.commands import CloseWallet, Command, OpenWallet
from billing_service.ledger.service import Ledger
from billing_service.models import inbox
from billing_service.owners.queries import delete_owner, list_applied_events, save_owner
from kit.database import Database
from kit.errors import InvalidInput, ServiceError
from kit.fields import RowId
from kit.identity import UserId
from kit.outbox import Event, first_delivery


class _EventData(BaseModel):
    # A newer auth-service may send more fields.
    model_config = ConfigDict(extra="ignore")


class UserCreated(_EventData):
    kind: Literal["user_created"]
    user_id: RowId
    name: AccountName
    name_digest: Label
    role: Label


class UserChanged(_EventData):
    kind: Literal["user_changed"]
    user_id: RowId
    name: AccountName
    role: Label
    disabled: StrictBool


class UserDeleted(_EventData):
    kind: Literal["user_deleted"]
    user_id: RowId


UserEvent = UserCreated | UserChanged | UserDeleted
KnownEvent = UserEvent | GroupEvent
_known_event: TypeAdapter[KnownEvent] = TypeAdapter(Annotated[KnownEvent, Field(discriminator="kind")])


class OwnerEvents:
    """Applies events: opens and closes wallets in the ledger, and stores owners, groups and members."""

    def __init__(self, database: Database, ledger: Ledger, scheduler: Scheduler, opening_grant: int) -> None:
        self._database, self._ledger, self._scheduler = database, ledger, scheduler
        self._opening_grant = opening_grant

    async def apply(self, events: Sequence[Event]) -> None:
        """Apply new events in order; raises the error of a refused one, so that all are delivered again."""
        async with self._database.read() as reading:
            applied = await list_applied_events(reading, (event.id for event in events))
        new_events = [(event, parse_event(event)) for event in events if event.id not in applied]
        # The ledger is first because its commands are idempotent: after a crash, a retry completes the rest.
        await self._post([command for _, event in new_events for command in self._commands_of(event)])
        groups: set[int] = set()
        async with self._database.transaction() as session:
            for delivery, event in new_events:
                if await first_delivery(session, inbox, delivery):
                    groups.update(await self._store(session, delivery, event))
        for group_id in sorted(groups):
            await self._scheduler.run_soon(group_id)

    async def _post(self, commands: Sequence[Command]) -> None:
        for outcome in await self._ledger.post(commands) if commands else ():
            if isinstance(outcome, ServiceError):
                raise outcome

    def _commands_of(self, event: KnownEvent) -> list[Command]:
        match event:
            case UserCreated():
                key = f"opening:{event.name_digest}"
                return [OpenWallet(UserId(event.user_id), key, self._opening_grant)]
            case UserDeleted():
                return [CloseWallet(UserId(event.user_id))]
            case _:
                return []

    async def _store(self, session: AsyncSession, delivery: Event, event: KnownEvent) -> Sequence[int]:
        """Store the event; returns the groups whose allowances it may change."""
        match event:
            case UserCreated():
                await save_owner(session, event.user_id, event.name, event.role, disabled=False)
            case UserChanged():
                await save_owner(session, event.user_id, event.name, event.role, disabled=event.disabled)
            case UserDeleted():
                await delete_owner(session, event.user_id)
                return await remove_user(session, event.user_id)
            case _:
                await store_group_event(session, event, delivery.occurred_at, self._scheduler.clock())
                return [event.group_id]
        return []


def parse_event(event: Event) -> KnownEvent:
    """Parse an event; raises InvalidInput."""
    try:
        # The data of a group has a kind of its own.
        own = {"group_kind": event.data.get("kind"), "kind": event.kind}
        return _known_event.validate_python({**event.data, **own})
    except ValidationError:
        raise InvalidInput("The event has an unknown kind, or its data does not match the kind.") from None
