"""Events of auth-service about groups and memberships."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import InvalidInput
from kit.fields import RowId
from kit.outbox import Event
from ml_service.groups.repository import GroupRepository

Role = Literal["owner", "assistant", "member"]


class _EventData(BaseModel):
    # A newer auth-service may send more fields.
    model_config = ConfigDict(extra="ignore")

    group_id: RowId


class GroupChanged(_EventData):
    kind: Literal["class", "lab", "team"]
    name: StrictStr
    time_zone: StrictStr
    state: Literal["active", "archived"]


class GroupDeleted(_EventData):
    pass


class MembershipChanged(_EventData):
    user_id: RowId
    role: Role
    state: Literal["active", "removed"]
    alias: StrictStr
    external_id: Annotated[StrictStr | None, Field(default=None)]
    member_name: Annotated[StrictStr | None, Field(default=None)]


GroupEvent = GroupChanged | GroupDeleted | MembershipChanged
_PARSERS: dict[str, TypeAdapter[GroupEvent]] = {
    "group_changed": TypeAdapter(GroupChanged),
    "group_deleted": TypeAdapter(GroupDeleted),
    "membership_changed": TypeAdapter(MembershipChanged),
}
GROUP_EVENTS = frozenset(_PARSERS)


async def apply_group_event(session: AsyncSession, event: Event) -> None:
    """Store what an event of one of these kinds reports; raises InvalidInput for other data."""
    try:
        parsed = _PARSERS[event.kind].validate_python(event.data)
    except ValidationError:
        raise InvalidInput("The event's data does not match its kind.") from None
    repository = GroupRepository(session)
    match parsed:
        case GroupChanged():
            await repository.save_group(parsed.model_dump())
        case MembershipChanged():
            await repository.save_member(parsed.model_dump())
        case GroupDeleted():
            await repository.delete_group(parsed.group_id)
