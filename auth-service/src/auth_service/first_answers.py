"""One effect and one answer for each Idempotency-Key."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from auth_service.idempotency.models import FirstAnswer
from auth_service.idempotency.repository import FirstAnswerRepository
from auth_service.secrets.service import RootSecret
from kit.digests import fingerprint
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning

Answer = dict[str, Any]  # Any: JSON of several shapes


@dataclass(frozen=True)
class Attempt:
    """A request as far as its repetition matters: who asks (`scope`), the key, and the input."""

    scope: str
    key: str | None
    input: object


@dataclass(frozen=True)
class Outcome:
    answer: Answer
    replayed: bool


class FirstAnswers:
    def __init__(self, rows: FirstAnswerRepository, secret: RootSecret) -> None:
        self._rows, self._secret = rows, secret

    async def once(self, attempt: Attempt, work: Callable[[], Awaitable[Answer]]) -> Outcome:
        if attempt.key is None:
            return Outcome(await work(), replayed=False)
        if not await self._rows.try_lock(attempt.scope, attempt.key):
            raise IdempotencyTwinRunning
        # Keyed, because the input may hold a password, which a plain digest would let one guess.
        digest = self._secret.digest("idempotency", fingerprint(attempt.input))
        known = await self._rows.find(attempt.scope, attempt.key)
        if known is None:
            answer = await work()
            await self._rows.add(
                FirstAnswer(scope=attempt.scope, key=attempt.key, fingerprint=digest, answer=answer)
            )
            return Outcome(answer, replayed=False)
        if not hmac.compare_digest(known.fingerprint, digest):
            raise IdempotencyKeyReused
        return Outcome(known.answer, replayed=True)
