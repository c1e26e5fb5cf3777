"""Applies what happened to users: wallets open and close, names come and go."""

from collections.abc import Sequence
from typing import assert_never

from billing_service.base import inbox
from billing_service.ledger.commands import CloseWallet, Movement, OpenWallet
from billing_service.ledger.service import Ledger
from billing_service.owners.events import UserChanged, UserCreated, UserDeleted, UserEvent, read_event
from billing_service.owners.queries import OwnerRepository
from kit.database import Database
from kit.errors import ServiceError
from kit.identity import UserId
from kit.outbox import Event, first_delivery


class Owners:
    def __init__(self, database: Database, ledger: Ledger, opening_grant: int) -> None:
        self._database, self._ledger, self._opening_grant = database, ledger, opening_grant

    async def apply(self, events: Sequence[Event]) -> None:
        """In order. The ledger, which repeats nothing, comes first: a retry heals a crash in between."""
        async with self._database.read() as reading:
            applied = await OwnerRepository(reading).list_applied(each.id for each in events)
        news = [(each, read_event(each)) for each in events if each.id not in applied]
        movements = [each for _, told in news for each in self._movements_of(told)]
        if movements:
            await self._post(movements)
        async with self._database.transaction() as session:
            owners = OwnerRepository(session)
            for event, told in news:
                if await first_delivery(session, inbox, event):
                    await _learn(owners, told)

    async def _post(self, movements: Sequence[Movement]) -> None:
        """Raises what one was refused with, so that its event is delivered again."""
        for outcome in await self._ledger.post(movements):
            if isinstance(outcome, ServiceError):
                raise outcome

    def _movements_of(self, told: UserEvent) -> list[Movement]:
        match told:
            case UserCreated():
                key = f"opening:{told.name_digest}"
                return [OpenWallet(UserId(told.user_id), key, self._opening_grant)]
            case UserDeleted():
                return [CloseWallet(UserId(told.user_id))]
            case UserChanged():
                return []
            case _:
                assert_never(told)


async def _learn(owners: OwnerRepository, told: UserEvent) -> None:
    match told:
        case UserCreated():
            await owners.put(told.user_id, told.name, told.role, disabled=False)
        case UserChanged():
            await owners.put(told.user_id, told.name, told.role, disabled=told.disabled)
        case UserDeleted():
            await owners.remove(told.user_id)
        case _:
            assert_never(told)
