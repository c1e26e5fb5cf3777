"""What auth-service tells about users."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from billing_service.fields import Id, Label, Name
from kit.errors import InvalidInput
from kit.outbox import Event


class _Data(BaseModel):
    # A newer auth-service may tell more than we know of.
    model_config = ConfigDict(extra="ignore")


class UserCreated(_Data):
    kind: Literal["user_created"]
    user_id: Id
    name: Name
    name_digest: Label
    role: Label


class UserChanged(_Data):
    kind: Literal["user_changed"]
    user_id: Id
    name: Name
    role: Label
    disabled: StrictBool


class UserDeleted(_Data):
    kind: Literal["user_deleted"]
    user_id: Id


UserEvent = UserCreated | UserChanged | UserDeleted
_user_event: TypeAdapter[UserEvent] = TypeAdapter(Annotated[UserEvent, Field(discriminator="kind")])


def read_event(event: Event) -> UserEvent:
    """Raises InvalidInput for an event that auth-service would not send."""
    try:
        return _user_event.validate_python({**event.data, "kind": event.kind})
    except ValidationError:
        raise InvalidInput("An event's kind is not known, or its data do not fit it.") from None
