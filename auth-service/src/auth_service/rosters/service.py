"""Rosters: comparison with an import, and its application."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from auth_service.errors import GroupNotFound, RosterChanged, RosterInvalid
from auth_service.events import GroupEvents
from auth_service.groups.repository import GroupRepository, MembershipRepository
from auth_service.groups.rules import new_code
from auth_service.groups.service import STAFF, end_membership, require_role
from auth_service.models import JoinCode, Membership, RosterEntry
from auth_service.rosters.files import (
    Difference,
    Seat,
    UnreadableRoster,
    compare,
    read_roster,
    version_of,
    write_roster,
)
from auth_service.rosters.repository import RosterRepository, SeatRow
from auth_service.settings import AuthSettings

# A course with its preparation; a lost code is replaced by a new import with personal codes.
CODES_LAST = timedelta(days=365)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Import:
    """A roster as sent, and what is to be done with it."""

    content: bytes
    remove_missing: bool
    personal_codes: bool
    # The version of the roster with which the sender has compared the file; empty to compare only.
    seen: str


@dataclass(frozen=True)
class Comparison:
    difference: Difference
    version: str


class RosterService:
    def __init__(self, settings: AuthSettings, events: GroupEvents) -> None:
        self._max_members, self._events = settings.max_members, events

    async def compare(self, session: AsyncSession, user_id: int, group_id: int, sent: Import) -> Comparison:
        """What the import would do; writes nothing. Raises RosterInvalid for what is no roster."""
        await require_role(session, group_id, user_id, *STAFF)
        entries = await RosterRepository(session, group_id).list_all()
        return self._compare(entries, sent)

    async def apply(self, session: AsyncSession, user_id: int, group_id: int, sent: Import) -> Comparison:
        """Write the whole import, or raise RosterChanged or RosterInvalid and write nothing."""
        if await GroupRepository(session).lock(group_id) is None:
            raise GroupNotFound
        await require_role(session, group_id, user_id, *STAFF)
        roster = RosterRepository(session, group_id)
        entries = {entry.external_id: entry for entry in await roster.list_all()}
        comparison = self._compare(list(entries.values()), sent)
        if sent.seen != comparison.version:
            raise RosterChanged
        difference = comparison.difference
        if difference.errors:
            raise RosterInvalid("The roster has invalid lines, so nothing was written; correct them.")
        if sent.remove_missing:
            gone = [entries.pop(external_id) for external_id in difference.missing]
            await self._remove(session, user_id, roster, gone)
        await self._change(session, roster, entries, difference.changed)
        added = [_entry_of(group_id, seat) for seat in difference.added.values()]
        session.add_all(added)
        await session.flush()
        if sent.personal_codes:
            await _add_codes(session, roster)
        log.info("roster_applied", group=group_id, user=user_id, added=len(added))
        seats = [seat_of(entry) for entry in await roster.list_all()]
        return replace(comparison, version=version_of(seats))

    async def export(self, session: AsyncSession, user_id: int, group_id: int) -> tuple[str, str]:
        """The roster as CSV, and its version."""
        await require_role(session, group_id, user_id, *STAFF)
        rows = await RosterRepository(session, group_id).list_seats()
        version = version_of(seat_of(row.entry) for row in rows)
        return write_roster(map(_cells, rows)), version

    def _compare(self, entries: Sequence[RosterEntry], sent: Import) -> Comparison:
        try:
            imported, faults = read_roster(sent.content)
        except UnreadableRoster as error:
            raise RosterInvalid(str(error)) from None
        stored = [seat_of(entry) for entry in entries]
        difference = compare(stored, imported, remove_missing=sent.remove_missing)
        kept = 0 if sent.remove_missing else len(difference.missing)
        if len(imported) + kept > self._max_members:
            raise RosterInvalid(f"A roster has at most {self._max_members} people; remove some.")
        errors = [*faults, *difference.errors]
        return Comparison(replace(difference, errors=errors), version_of(stored))

    async def _remove(
        self, session: AsyncSession, user_id: int, roster: RosterRepository, gone: Sequence[RosterEntry]
    ) -> None:
        """Delete entries; users who have claimed one leave the group, except owners."""
        for entry in gone:
            membership = await _claim_of(session, entry)
            if membership is not None:
                end_membership(membership, user_id)
                await self._events.membership_changed(session, membership, None)
        await roster.delete([entry.id for entry in gone])

    async def _change(
        self,
        session: AsyncSession,
        roster: RosterRepository,
        entries: Mapping[str, RosterEntry],
        changed: Mapping[str, Seat],
    ) -> None:
        await roster.clear_accounts([entries[external_id].id for external_id in changed])
        for external_id, seat in changed.items():
            entry = entries[external_id]
            entry.name, entry.role, entry.section = seat.name, seat.role, seat.section  # type: ignore[assignment]
            entry.account, entry.folded_account = seat.account, seat.folded_account
            membership = await _claim_of(session, entry)
            if membership is not None:
                membership.role = entry.role
                await self._events.membership_changed(session, membership, entry)


def seat_of(entry: RosterEntry) -> Seat:
    return Seat(entry.external_id, entry.name, entry.account, entry.role, entry.section)


async def _claim_of(session: AsyncSession, entry: RosterEntry) -> Membership | None:
    """The membership of the person who has claimed the seat, unless it is an owner's or has ended."""
    if entry.user_id is None:
        return None
    membership = await MembershipRepository(session, entry.group_id).find(entry.user_id)
    if membership is None or membership.state != "active" or membership.role == "owner":
        return None
    return membership


async def _add_codes(session: AsyncSession, roster: RosterRepository) -> None:
    """A code for each person who has not joined yet; expired ones are replaced."""
    now = datetime.now(UTC)
    for entry, code in await roster.list_seats():
        if entry.user_id is not None or (code is not None and code.expires_at > now):
            continue
        if code is not None:
            await session.delete(code)
            await session.flush()
        session.add(
            JoinCode(
                group_id=entry.group_id,
                code=new_code(),
                entry_id=entry.id,
                only_roster=True,
                max_uses=1,
                expires_at=now + CODES_LAST,
            )
        )
    await session.flush()


def _entry_of(group_id: int, seat: Seat) -> RosterEntry:
    return RosterEntry(
        group_id=group_id,
        external_id=seat.external_id,
        account=seat.account,
        folded_account=seat.folded_account,
        name=seat.name,
        role=seat.role,
        section=seat.section,
    )


def _cells(row: SeatRow) -> tuple[str, ...]:
    entry, code = row
    claimed = "yes" if entry.user_id is not None else "no"
    unused = code.code if code is not None and entry.user_id is None else ""
    return (
        *(entry.external_id, entry.account or "", entry.name, entry.role, entry.section),
        *(unused, claimed),
    )
