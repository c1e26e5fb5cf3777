"""Idempotency of requests that create users, API keys, groups or join codes."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.responses import Response

from auth_service.tokens.secrets import RootSecret
from kit.digests import fingerprint
from kit.idempotency import REPLAYED, Claim, FirstAnswers, KeyedRequest


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
