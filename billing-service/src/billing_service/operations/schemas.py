"""What sibling services send and get."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictInt

from billing_service.fields import LARGEST_ID, Body, Id, Label, Text, Units
from billing_service.ledger import commands as ask
from billing_service.prices.rules import Action
from kit.errors import ServiceError
from kit.identity import ApiKeyId, UserId
from kit.problems import problem_document

OperationKey = Annotated[Text, Field(min_length=1, max_length=200)]
Lifetime = Annotated[StrictInt, Field(ge=1, le=86_400)]
Tokens = Annotated[StrictInt, Field(ge=0, le=LARGEST_ID)]


class SpendingKey(Body):
    id: Id
    token_cap: Tokens | None = None


class HoldOperation(Body):
    operation: Literal["hold"]
    key: OperationKey
    user_id: Id
    action: Action
    units: Units
    ttl_seconds: Lifetime
    resource: Label | None = None
    api_key: SpendingKey | None = None
    quote_id: UUID | None = None

    def to_movement(self) -> ask.Movement:
        cap = ask.KeyCap(ApiKeyId(self.api_key.id), self.api_key.token_cap) if self.api_key else None
        return ask.PlaceHold(
            UserId(self.user_id),
            self.key,
            self.action,
            self.units,
            self.ttl_seconds,
            self.resource,
            cap,
            self.quote_id,
        )


class SettleOperation(Body):
    operation: Literal["settle"]
    hold: OperationKey
    tokens: Tokens | None = None
    resource: Label | None = None

    def to_movement(self) -> ask.Movement:
        return ask.Settle(self.hold, self.tokens, self.resource)


class ReleaseOperation(Body):
    operation: Literal["release"]
    hold: OperationKey

    def to_movement(self) -> ask.Movement:
        return ask.Release(self.hold)


class ExtendOperation(Body):
    operation: Literal["extend"]
    hold: OperationKey
    ttl_seconds: Lifetime

    def to_movement(self) -> ask.Movement:
        return ask.Extend(self.hold, self.ttl_seconds)


Operation = Annotated[
    HoldOperation | SettleOperation | ReleaseOperation | ExtendOperation,
    Field(discriminator="operation"),
]


def result_of(outcome: ask.Outcome) -> dict[str, object]:
    """One entry of `results`: what was done, or the problem."""
    match outcome:
        case ServiceError():
            return {"status": outcome.status, "problem": problem_document(outcome)}
        case ask.Held():
            done = {"hold": outcome.key, "tokens": outcome.tokens, "available": outcome.available}
            return {"status": 200, **done, "replayed": outcome.replayed}
        case ask.Settled():
            done = {"receipt_id": str(outcome.receipt_id), "tokens": outcome.tokens}
            return {"status": 200, **done, "available": outcome.available}
        case ask.Released():
            return {"status": 200, "tokens": outcome.tokens, "available": outcome.available}
        case ask.Extended():
            return {"status": 200, "expires_at": outcome.expires_at}
        case _:
            raise TypeError(f"{type(outcome).__name__} is not the outcome of an operation")
