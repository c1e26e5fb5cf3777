"""Stored answer in memory, for replays."""

from typing import Any

import orjson

from kit.idempotency import Claim, KeyedRequest
from ml_service.billing.port import ChargeKey
from ml_service.billing.stored_answers import StoredAnswer


class MemoryAnswer:
    """The one answer of a table of first answers; `replay` is what a new retry receives."""

    def __init__(self, paid: ChargeKey) -> None:
        self._answer = orjson.dumps({"paid": paid})

    def replay(self) -> StoredAnswer:
        table: Any = self  # Any: in place of FirstAnswers
        request = KeyedRequest("1", "key", bytes(32))
        return StoredAnswer(Claim(table, request), orjson.loads(self._answer), "paid")

    async def keep(self, _claim: Claim, answer: bytes, _location: None, _session: None) -> None:
        self._answer = answer
