"""One effect for each Idempotency-Key: an answer is kept before it is paid for, and handed out again."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
import structlog

from kit.database import Database
from kit.idempotency import IdempotencyKeyReused, IdempotencyTwinRunning, fingerprint
from kit.identity import UserId
from ml_service.billing.charging import settle_surely
from ml_service.billing.port import Billing, Charge, Receipt
from ml_service.predictions.repository import RUNNING, AnswerRepository

Json = dict[str, Any]  # Any: decoded JSON
Made = TypeVar("Made")

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that may be repeated: whose it is, its key, and the fingerprint of what it asks."""

    user_id: UserId
    key: str
    asked: bytes

    @property
    def operation(self) -> str:
        """The same key and input hold the same tokens, whichever process asks."""
        return fingerprint(self.user_id, self.key, self.asked.hex()).hex()


@dataclass(frozen=True, slots=True)
class Answered:
    """`tokens` in an answer say what of its hold it cost; without them it was all."""

    answer: Json
    receipt: Receipt
    replayed: bool = False


class AnswersOnce:
    def __init__(self, database: Database, billing: Billing) -> None:
        self._database, self._billing = database, billing

    async def once(
        self,
        request: Keyed,
        work: Callable[[], Awaitable[Made]],
        again: Callable[[Json], Awaitable[Made]],
    ) -> Made:
        """What `work` makes, which keeps its answer; or `again`, of the answer to the first with this key."""
        async with self._database.autocommit() as session:
            begun = await AnswerRepository(session).begin(request.user_id, request.key, request.asked)
        if not begun:
            return await again(await self._find_first(request))
        try:
            return await work()
        except BaseException:
            await asyncio.shield(self._withdraw(request))
            raise

    async def keep(self, request: Keyed, answer: Json, location: str | None = None) -> None:
        async with self._database.autocommit() as session:
            answers = AnswerRepository(session)
            await answers.keep(request.user_id, request.key, orjson.dumps(answer), location)

    @contextlib.asynccontextmanager
    async def renewing(self, request: Keyed) -> AsyncGenerator[None]:
        """For work that may take longer than others wait for it."""
        renewing = asyncio.create_task(self._renew(request))
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self, request: Keyed) -> None:
        while True:
            await asyncio.sleep(RUNNING.total_seconds() / 3)
            try:
                async with self._database.autocommit() as session:
                    await AnswerRepository(session).renew(request.user_id, request.key)
            except Exception as error:
                # The claim outlasts two such rounds; without a third a twin would do the same work.
                log.warning("claim_not_renewed", error=type(error).__name__)

    async def replay(self, answer: Json, charge: Charge) -> Answered:
        """A kept answer, and its charge should the first request have died before it."""
        receipt = await settle_surely(self._billing, charge, answer.get("tokens"))
        return Answered(answer, receipt, replayed=True)

    async def _find_first(self, request: Keyed) -> Json:
        async with self._database.autocommit() as session:
            kept = await AnswerRepository(session).find(request.user_id, request.key)
        if kept is not None and kept.fingerprint != request.asked:
            raise IdempotencyKeyReused
        if kept is None or kept.answer is None:
            raise IdempotencyTwinRunning
        return orjson.loads(kept.answer)

    async def _withdraw(self, request: Keyed) -> None:
        async with self._database.autocommit() as session:
            await AnswerRepository(session).withdraw(request.user_id, request.key)
