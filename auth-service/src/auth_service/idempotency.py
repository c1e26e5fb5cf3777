"""Idempotency of requests that create something: first answers under keyed fingerprints."""

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
    """The Idempotency-Key of one request, if any, and the response that a replay is marked in."""

    answers: FirstAnswers
    secret: RootSecret
    key: str | None
    response: Response

    @contextlib.asynccontextmanager
    async def claim(self, scope: str, body: BaseModel) -> AsyncGenerator[Claim]:
        """Claim the key for the block; `scope` is its owner.

        Open the transaction inside the block: it must end before the claim does.
        """
        # Keyed, because the body may hold a password, which an attacker could guess from a plain digest.
        digest = self.secret.digest("idempotency", fingerprint(body.model_dump()))
        async with self.answers.claim(KeyedRequest(scope, self.key, digest)) as claim:
            if claim.first_answer is not None:
                self.response.headers.update(REPLAYED)
            yield claim
