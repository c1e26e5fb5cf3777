"""Expiry and deletion of first answers; their keys stay refused."""

from datetime import timedelta

import asyncpg
import pytest
from tests.integration.kit.keyed_requests import OTHER_INPUT, REQUEST, keep

from kit.database import Database as Connections
from kit.errors import IdempotencyKeyExpired
from kit.idempotency import FirstAnswers


async def test_key_is_refused_once_its_answer_is_gone(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    await keep(answers, REQUEST, b"first")
    await admin.execute("UPDATE auth.idempotency_keys SET created_at = now() - interval '2 hours'")
    async with connections.transaction() as session:
        await answers.expire_older(session, timedelta(hours=1))
    with pytest.raises(IdempotencyKeyExpired):
        await keep(answers, REQUEST, b"again, for free")
    with pytest.raises(IdempotencyKeyExpired):
        await keep(answers, OTHER_INPUT, b"other input")
    row = await admin.fetchrow("SELECT answer, fingerprint FROM auth.idempotency_keys")
    assert row is not None
    assert (row["answer"], row["fingerprint"]) == (None, bytes(32))


async def test_old_claim_of_a_dead_request_is_returned_once_and_its_key_refused(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    """Its effect, if it had one, is undone by then."""
    await admin.execute(
        "INSERT INTO auth.idempotency_keys (scope, key, fingerprint, lease_until, created_at)"
        " VALUES ($1, $2, $3, now() - interval '1 hour', now() - interval '2 hours')",
        REQUEST.scope,
        REQUEST.key,
        REQUEST.fingerprint,
    )
    async with connections.transaction() as session:
        assert (await answers.expire_older(session, timedelta(hours=1))).unanswered == [REQUEST]
        assert (await answers.expire_older(session, timedelta(hours=1))).unanswered == []
    with pytest.raises(IdempotencyKeyExpired):
        await keep(answers, REQUEST, b"first")


async def test_old_claim_of_a_running_request_is_not_expired(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    async with answers.claim(REQUEST) as claim:
        await admin.execute("UPDATE auth.idempotency_keys SET created_at = now() - interval '2 hours'")
        async with connections.transaction() as session:
            assert (await answers.expire_older(session, timedelta(hours=1))).unanswered == []
        await claim.keep(b"first")


async def test_old_answers_are_deleted_and_their_files_named(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    async with answers.claim(REQUEST) as claim:
        await claim.keep(b"first", location="results/1")
    async with connections.transaction() as session:
        assert (await answers.expire_older(session, timedelta(hours=1))).locations == []
    await admin.execute("UPDATE auth.idempotency_keys SET created_at = now() - interval '2 hours'")
    async with connections.transaction() as session:
        assert (await answers.expire_older(session, timedelta(hours=1))).locations == ["results/1"]


async def test_answers_of_a_scope_are_deleted_with_it(
    answers: FirstAnswers, connections: Connections
) -> None:
    await keep(answers, REQUEST, b"first")
    async with connections.transaction() as session:
        assert await answers.delete_scopes(session, ["user:7"]) == []
    await keep(answers, REQUEST, b"again")
