"""Events of groups and memberships from auth-service, stored for the ledger and the scheduler."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from billing_service.fields import Label
from billing_service.groups import queries
from billing_service.groups.rules import Source
from kit.fields import RowId

# How the work of a new group is paid, until its owner changes it.
PAYS_FROM: dict[str, list[Source]] = {"class": ["allowance"], "lab": ["pool"], "team": ["pool"]}


class _EventData(BaseModel):
    # A newer auth-service may send more fields.
    model_config = ConfigDict(extra="ignore")


class GroupChanged(_EventData):
    kind: Literal["group_changed"] = "group_changed"
    group_id: RowId
    name: Label
    group_kind: Literal["class", "lab", "team"]
    time_zone: Label
    state: Literal["active", "archived"]


class GroupDeleted(_EventData):
    kind: Literal["group_deleted"] = "group_deleted"
    group_id: RowId


class MembershipChanged(_EventData):
    kind: Literal["membership_changed"] = "membership_changed"
    group_id: RowId
    user_id: RowId
    role: Literal["owner", "assistant", "member"]
    state: Literal["active", "removed"]


GroupEvent = GroupChanged | GroupDeleted | MembershipChanged


async def store_group_event(
    session: AsyncSession, event: GroupEvent, occurred_at: datetime, now: datetime
) -> None:
    """Store the event; allowances that it makes due, to be issued or returned, are left to the scheduler."""
    match event:
        case GroupChanged():
            values = {"name": event.name, "kind": event.group_kind, "state": event.state}
            pays_from = PAYS_FROM[event.group_kind]
            await queries.save_group(
                session, event.group_id, {**values, "time_zone": event.time_zone}, pays_from
            )
        case GroupDeleted():
            await queries.delete_group(session, event.group_id)
        case MembershipChanged():
            values = {"role": event.role, "state": event.state}
            await queries.save_member(session, (event.group_id, event.user_id), values, occurred_at)
    await queries.make_rules_due(session, event.group_id, now)
