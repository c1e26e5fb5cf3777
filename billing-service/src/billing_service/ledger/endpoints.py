"""Internal API of the ledger: charges, refunds and holds; the gateway does not route it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

import orjson
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, JsonValue, StrictInt, TypeAdapter, ValidationError, model_validator
from starlette.responses import Response

from billing_service.fields import Body, Context, Label, Units
from billing_service.ledger.commands import (
    Charged,
    ChargeTokens,
    Extended,
    ExtendHold,
    Held,
    KeyCap,
    OperationCommand,
    Outcome,
    PlaceHold,
    RefundCharge,
    Refunded,
    RefundHold,
    Released,
    ReleaseHold,
    Settled,
    SettleHold,
)
from billing_service.ledger.service import Ledger
from billing_service.prices.rules import Action
from kit.app import strict_router
from kit.authentication import CallingService
from kit.errors import InvalidInput, ServiceError
from kit.fields import LARGEST_ID, RowId, Text
from kit.hot_routes import HotRequest, NotHot
from kit.identity import ApiKeyId, UserId
from kit.problems import from_validation, problem_document
from kit.service_tokens import parse_bearer

LARGEST_CALL = 256
OPERATIONS_PATH = "/internal/operations"

router = strict_router("/internal", ["between services"])

Key = Annotated[Text, Field(min_length=1, max_length=200)]
RequestId = Annotated[Text, Field(max_length=128)]
Seconds = Annotated[StrictInt, Field(ge=1, le=86_400)]
Milliseconds = Annotated[StrictInt, Field(ge=0, le=86_400_000)]
Tokens = Annotated[StrictInt, Field(ge=0, le=LARGEST_ID)]


async def _ledger(request: Request) -> Ledger:
    return request.app.state.container.ledger


LedgerDep = Annotated[Ledger, Depends(_ledger)]


@router.post("/operations", include_in_schema=False)
async def operate(request: Request, _caller: CallingService, ledger: LedgerDep) -> Response:
    """Apply commands in order; the refusal of one does not affect the others."""
    received = datetime.now(UTC)
    return await apply_operations(await request.body(), ledger, received)


async def serve_operations(request: HotRequest) -> Response:
    """The same, without FastAPI."""
    received, container = datetime.now(UTC), request.container
    container.authentication.identity.verify(parse_bearer(request.authorization))
    try:
        return await apply_operations(
            await request.json_body(), container.ledger, received, request.is_disconnected
        )
    except RequestValidationError:
        raise NotHot from None


async def apply_operations(
    body: bytes, ledger: Ledger, received: datetime, is_disconnected: Callable[[], bool] = lambda: False
) -> Response:
    """Apply the operations of a call that was received at this time."""
    parsed = parse_commands(body, received)
    commands = [item for item in parsed if not isinstance(item, ServiceError)]
    outcomes = iter(await ledger.post(commands, is_disconnected))
    results = [_result_of(item if isinstance(item, ServiceError) else next(outcomes)) for item in parsed]
    return Response(orjson.dumps({"results": results}), media_type="application/json")


class ApiKeyBody(Body):
    id: RowId
    token_cap: Tokens | None = None


class OperationBody(Body):
    request_id: RequestId | None = None


class PricedBody(OperationBody):
    key: Key
    user_id: RowId
    action: Action
    units: Units
    resource: Label | None = None
    api_key: ApiKeyBody | None = None
    quote_id: UUID | None = None
    timeout_ms: Milliseconds | None = None
    group_id: RowId | None = None
    context: Context | None = None

    def decide_by(self, received: datetime) -> datetime | None:
        """The end of the time for which the caller waits, counted from the receipt of its operation."""
        return None if self.timeout_ms is None else received + timedelta(milliseconds=self.timeout_ms)

    @property
    def key_cap(self) -> KeyCap | None:
        return KeyCap(ApiKeyId(self.api_key.id), self.api_key.token_cap) if self.api_key else None


class ChargeBody(PricedBody):
    operation: Literal["charge"]

    def to_command(self, received: datetime) -> OperationCommand:
        return ChargeTokens(
            UserId(self.user_id),
            self.key,
            self.action,
            self.units,
            self.resource,
            self.key_cap,
            self.quote_id,
            decide_by=self.decide_by(received),
            group_id=self.group_id,
            context=self.context,
            request_id=self.request_id,
        )


class RefundBody(OperationBody):
    """The refund of a charge, or of a hold."""

    operation: Literal["refund"]
    charge: Key | None = None
    hold: Key | None = None
    user_id: RowId

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.charge is None) == (self.hold is None):
            raise ValueError("must name either a charge or a hold")
        return self

    def to_command(self, _received: datetime) -> OperationCommand:
        user_id = UserId(self.user_id)
        if self.hold is not None:
            return RefundHold(self.hold, user_id, request_id=self.request_id)
        return RefundCharge(self.charge or "", user_id, request_id=self.request_id)


class HoldBody(PricedBody):
    operation: Literal["hold"]
    ttl_seconds: Seconds

    def to_command(self, received: datetime) -> OperationCommand:
        return PlaceHold(
            UserId(self.user_id),
            self.key,
            self.action,
            self.units,
            self.resource,
            self.key_cap,
            self.quote_id,
            decide_by=self.decide_by(received),
            group_id=self.group_id,
            context=self.context,
            ttl_seconds=self.ttl_seconds,
            request_id=self.request_id,
        )


class SettleBody(OperationBody):
    operation: Literal["settle"]
    hold: Key
    tokens: Tokens | None = None
    resource: Label | None = None

    def to_command(self, _received: datetime) -> OperationCommand:
        return SettleHold(self.hold, self.tokens, self.resource, request_id=self.request_id)


class ReleaseBody(OperationBody):
    operation: Literal["release"]
    hold: Key

    def to_command(self, _received: datetime) -> OperationCommand:
        return ReleaseHold(self.hold, request_id=self.request_id)


class ExtendBody(OperationBody):
    operation: Literal["extend"]
    hold: Key
    ttl_seconds: Seconds

    def to_command(self, _received: datetime) -> OperationCommand:
        return ExtendHold(self.hold, self.ttl_seconds, request_id=self.request_id)


CommandBody = Annotated[
    ChargeBody | RefundBody | HoldBody | SettleBody | ReleaseBody | ExtendBody,
    Field(discriminator="operation"),
]
_command_body: TypeAdapter[CommandBody] = TypeAdapter(CommandBody)


class Call(Body):
    operations: Annotated[list[CommandBody], Field(min_length=1, max_length=LARGEST_CALL)]


class UncheckedCall(Body):
    operations: Annotated[list[JsonValue], Field(min_length=1, max_length=LARGEST_CALL)]


def parse_commands(body: bytes, received: datetime) -> Sequence[OperationCommand | ServiceError]:
    """The commands of one request; an invalid command becomes an error, and the others still apply."""
    # One pass over the whole request is faster, and nearly all requests are valid.
    try:
        return [body.to_command(received) for body in Call.model_validate_json(body).operations]
    except ValidationError:
        pass
    try:
        return [_parse_command(body, received) for body in UncheckedCall.model_validate_json(body).operations]
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _parse_command(body: JsonValue, received: datetime) -> OperationCommand | ServiceError:
    try:
        return _command_body.validate_json(orjson.dumps(body)).to_command(received)
    except ValidationError as error:
        return from_validation(RequestValidationError(error.errors()))
    except orjson.JSONEncodeError:
        return InvalidInput("A number in this operation is too large; send a smaller one.")


def _result_of(outcome: Outcome) -> dict[str, object]:
    match outcome:
        case ServiceError():
            return {"status": outcome.status, "problem": problem_document(outcome)}
        case Charged():
            result = {"receipt_id": outcome.receipt_id, "tokens": outcome.tokens}
            return {"status": 200, **result, "available": outcome.available, "replayed": outcome.replayed}
        case Held():
            result = {"hold": outcome.key, "tokens": outcome.tokens, "available": outcome.available}
            return {"status": 200, **result, "replayed": outcome.replayed}
        case Settled():
            result = {"receipt_id": outcome.receipt_id, "tokens": outcome.tokens}
            return {"status": 200, **result, "available": outcome.available}
        case Released() | Refunded():
            return {"status": 200, "tokens": outcome.tokens, "available": outcome.available}
        case Extended():
            return {"status": 200, "expires_at": outcome.expires_at}
        case _:
            raise TypeError(f"{type(outcome).__name__} is not the outcome of an operation")
