"""Requests with keys against the table of auth-service."""

from sqlalchemy import MetaData

from kit.digests import fingerprint
from kit.idempotency import FirstAnswers, KeyedRequest, idempotency_keys_table

TABLE = idempotency_keys_table(MetaData(schema="auth"))
REQUEST = KeyedRequest("user:7", "key", fingerprint("input"))
OTHER_INPUT = KeyedRequest("user:7", "key", fingerprint("other input"))


async def keep(answers: FirstAnswers, request: KeyedRequest, answer: bytes) -> None:
    async with answers.claim(request) as claim:
        assert claim.first_answer is None
        await claim.keep(answer)
