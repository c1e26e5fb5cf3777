"""Dependencies of endpoints that create something: the database, and the idempotency of the request."""

from typing import Annotated

from fastapi import Depends, Request, Response

from auth_service.idempotency import Idempotency
from kit.database import Database
from kit.idempotency import IdempotencyKey


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _idempotency(request: Request, response: Response, key: IdempotencyKey = None) -> Idempotency:
    container = request.app.state.container
    return Idempotency(container.first_answers, container.secret, key, response)


OwnDatabase = Annotated[Database, Depends(_database)]
Idempotent = Annotated[Idempotency, Depends(_idempotency)]
