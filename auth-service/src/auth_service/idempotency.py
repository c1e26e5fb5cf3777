"""Idempotency of requests that create users, API keys, groups or join codes."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from auth_service.tokens.secrets import RootSecret
from kit.database import Database
from kit.digests import fingerprint
from kit.idempotency import REPLAYED, Claim, FirstAnswers, IdempotencyKey, KeyedRequest


@dataclass(frozen=True)
class Idempotency:
    """The optional Idempotency-Key of one request, and the response whose headers mark a replay."""

    answers: FirstAnswers
    secret: RootSecret
    key: str | None
    response: Response

    @contextlib.asynccontextmanager
    async def claim(self, scope: str, body: BaseModel) -> AsyncGenerator[Claim]:
        """Claim the key within its scope, for the duration of the block.

        Open the transaction inside the block: it must end before the claim.
        """
        # A keyed digest: the body may contain a password, which could be guessed from a plain one.
        digest = self.secret.digest("idempotency", fingerprint(body.model_dump()))
        async with self.answers.claim(KeyedRequest(scope, self.key, digest)) as claim:
            if claim.first_answer is not None:
                self.response.headers.update(REPLAYED)
            yield claim


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _idempotency(request: Request, response: Response, key: IdempotencyKey = None) -> Idempotency:
    container = request.app.state.container
    return Idempotency(container.first_answers, container.secret, key, response)


OwnDatabase = Annotated[Database, Depends(_database)]
Idempotent = Annotated[Idempotency, Depends(_idempotency)]
