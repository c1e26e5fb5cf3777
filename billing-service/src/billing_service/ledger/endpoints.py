"""Hold, settle, release and extend, for Farebox's own services; not published by the gateway."""

from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, JsonValue, TypeAdapter, ValidationError
from starlette.responses import Response

from billing_service.dependencies import OneLedger
from billing_service.fields import Body
from billing_service.ledger.commands import Movement
from billing_service.operations.schemas import Operation, result_of
from kit.app import strict_router
from kit.authentication import CallingService
from kit.errors import InvalidInput, ServiceError
from kit.problems import from_validation

MOST_OPERATIONS = 256

router = strict_router("/internal", ["between services"])


class Envelope(Body):
    operations: Annotated[list[JsonValue], Field(min_length=1, max_length=MOST_OPERATIONS)]


class Batch(Body):
    operations: Annotated[list[Operation], Field(min_length=1, max_length=MOST_OPERATIONS)]


one_operation: TypeAdapter[Operation] = TypeAdapter(Operation)


@router.post("/operations", include_in_schema=False)
async def operate(request: Request, _caller: CallingService, ledger: OneLedger) -> Response:
    """Decide each operation on its own, in order."""
    orders = read_operations(await request.body())
    outcomes = iter(await ledger.post([each for each in orders if not isinstance(each, ServiceError)]))
    results = [result_of(each if isinstance(each, ServiceError) else next(outcomes)) for each in orders]
    return Response(orjson.dumps({"results": results}), media_type="application/json")


def read_operations(body: bytes) -> Sequence[Movement | ServiceError]:
    """The movements that are asked for; one that cannot be understood is refused without its neighbours."""
    try:
        return [each.to_movement() for each in Batch.model_validate_json(body).operations]
    except ValidationError:
        pass
    try:
        return [_read_one(each) for each in Envelope.model_validate_json(body).operations]
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _read_one(operation: JsonValue) -> Movement | ServiceError:
    try:
        return one_operation.validate_json(orjson.dumps(operation)).to_movement()
    except ValidationError as error:
        return from_validation(RequestValidationError(error.errors()))
    except orjson.JSONEncodeError:
        return InvalidInput("A number in this operation is too large.")
