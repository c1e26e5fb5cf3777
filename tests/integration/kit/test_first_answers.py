"""First answers: one effect and one answer for each idempotency key."""

import asyncio
import contextlib

import asyncpg
import pytest
from sqlalchemy import text
from tests.integration.kit.keyed_requests import OTHER_INPUT, REQUEST, keep

from kit.database import Database as Connections
from kit.digests import fingerprint
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning
from kit.idempotency import Claim, FirstAnswers, KeyedRequest


async def test_retry_replaces_the_answer_unless_another_one_came_after_it(answers: FirstAnswers) -> None:
    await keep(answers, REQUEST, b"first")
    async with answers.claim(REQUEST) as late, answers.claim(REQUEST) as retry:
        await retry.keep(b"second")
        with pytest.raises(IdempotencyTwinRunning):
            await late.keep(b"third")
    async with answers.claim(REQUEST) as claim:
        assert claim.first_answer == b"second"


async def answer_with_effect(connections: Connections, claim: Claim) -> None:
    async with connections.transaction() as session:
        await session.execute(text("INSERT INTO effects VALUES (1)"))
        await claim.keep(b"first", session=session)


async def end_leases(admin: asyncpg.Connection) -> None:
    await admin.execute("UPDATE auth.idempotency_keys SET lease_until = now() - interval '1 second'")


async def test_claim_knows_whether_an_earlier_request_died(
    answers: FirstAnswers, admin: asyncpg.Connection
) -> None:
    async with answers.claim(REQUEST) as first:
        await end_leases(admin)
        async with answers.claim(REQUEST) as second:
            assert (first.is_first, second.is_first) == (True, False)
    assert (first.has_key, second.has_key) == (True, True)


async def test_failed_retry_does_not_hide_that_an_earlier_request_died(
    answers: FirstAnswers, admin: asyncpg.Connection
) -> None:
    async with answers.claim(REQUEST):
        await end_leases(admin)
        with pytest.raises(ZeroDivisionError):
            async with answers.claim(REQUEST):
                raise ZeroDivisionError
        async with answers.claim(REQUEST) as third:
            assert not third.is_first


async def test_retry_receives_the_first_answer(answers: FirstAnswers) -> None:
    await keep(answers, REQUEST, b"first")
    async with answers.claim(REQUEST) as claim:
        assert claim.first_answer == b"first"


async def test_request_without_a_key_stores_nothing(answers: FirstAnswers, admin: asyncpg.Connection) -> None:
    await keep(answers, KeyedRequest("user:7", None, fingerprint()), b"first")
    assert await admin.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 0


async def test_same_key_of_another_scope_is_another_key(answers: FirstAnswers) -> None:
    await keep(answers, REQUEST, b"first")
    await keep(answers, KeyedRequest("user:8", "key", REQUEST.fingerprint), b"theirs")


async def test_key_reused_with_other_input_is_refused(answers: FirstAnswers) -> None:
    await keep(answers, REQUEST, b"first")
    with pytest.raises(IdempotencyKeyReused):
        async with answers.claim(OTHER_INPUT):
            pass


async def test_twin_is_refused_while_the_first_request_runs(answers: FirstAnswers) -> None:
    async with answers.claim(REQUEST) as claim:
        with pytest.raises(IdempotencyTwinRunning) as refusal:
            async with answers.claim(REQUEST):
                pass
        await claim.keep(b"first")
    assert refusal.value.headers["Retry-After"] == "1"


async def test_one_of_twenty_concurrent_twins_does_the_work(answers: FirstAnswers) -> None:
    worked = 0

    async def request() -> None:
        nonlocal worked
        async with answers.claim(REQUEST) as claim:
            if claim.first_answer is None:
                worked += 1
                await asyncio.sleep(0)
                await claim.keep(b"first")

    outcomes = await asyncio.gather(*(request() for _ in range(20)), return_exceptions=True)
    assert worked == 1
    assert all(outcome is None or isinstance(outcome, IdempotencyTwinRunning) for outcome in outcomes)


async def test_failed_request_frees_its_key(answers: FirstAnswers) -> None:
    with pytest.raises(ZeroDivisionError):
        async with answers.claim(REQUEST):
            raise ZeroDivisionError
    await keep(answers, OTHER_INPUT, b"first")


async def test_cancelled_request_frees_its_key(answers: FirstAnswers) -> None:
    started = asyncio.Event()

    async def request() -> None:
        async with answers.claim(REQUEST):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(request())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await keep(answers, REQUEST, b"first")


async def test_key_of_a_dead_process_is_free_when_its_lease_ends(
    answers: FirstAnswers, admin: asyncpg.Connection
) -> None:
    async with answers.claim(REQUEST) as dead:
        await end_leases(admin)
        await keep(answers, REQUEST, b"second")
        with pytest.raises(IdempotencyTwinRunning):
            await dead.keep(b"first")
    async with answers.claim(REQUEST) as claim:
        assert claim.first_answer == b"second"


async def test_effect_is_rolled_back_when_another_request_has_answered(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE TABLE auth.effects (id int)")
    await admin.execute("GRANT ALL ON auth.effects TO auth_service")
    async with answers.claim(REQUEST) as late:
        await end_leases(admin)
        await keep(answers, REQUEST, b"second")
        with pytest.raises(IdempotencyTwinRunning):
            await answer_with_effect(connections, late)
    assert await admin.fetchval("SELECT count(*) FROM auth.effects") == 0


async def test_answer_and_effect_commit_together(
    answers: FirstAnswers, connections: Connections, admin: asyncpg.Connection
) -> None:
    async def fail_after_keeping() -> None:
        async with answers.claim(REQUEST) as claim, connections.transaction() as session:
            await claim.keep(b"first", session=session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_keeping()
    assert await admin.fetchval("SELECT count(*) FROM auth.idempotency_keys") == 0


class TestRequestThatLostItsClaim:
    """As of a process that stood still for longer than its lease, while a twin claimed the key."""

    async def test_cannot_answer_in_place_of_its_twin(
        self, answers: FirstAnswers, admin: asyncpg.Connection
    ) -> None:
        async with answers.claim(REQUEST) as late:
            await end_leases(admin)
            async with answers.claim(REQUEST) as twin:
                with pytest.raises(IdempotencyTwinRunning):
                    await late.keep(b"first")
                await twin.keep(b"second")

    async def test_does_not_free_the_key_of_its_twin_when_it_fails(
        self, answers: FirstAnswers, admin: asyncpg.Connection
    ) -> None:
        async with contextlib.AsyncExitStack() as stack:
            late = contextlib.AsyncExitStack()
            await late.enter_async_context(answers.claim(REQUEST))
            await end_leases(admin)
            twin = await stack.enter_async_context(answers.claim(REQUEST))
            await late.__aexit__(ZeroDivisionError, ZeroDivisionError(), None)
            with pytest.raises(IdempotencyTwinRunning):
                await keep(answers, REQUEST, b"third")
            await twin.keep(b"second")

    async def test_is_not_current_after_its_answer_is_replayed(
        self, answers: FirstAnswers, connections: Connections
    ) -> None:
        """What the answer costs is the retry's concern from then on."""
        async with answers.claim(REQUEST) as first:
            await first.keep(b"first")
            async with answers.claim(REQUEST) as retry, connections.transaction() as session:
                assert retry.first_answer == b"first"
                assert (await first.is_current(session), await retry.is_current(session)) == (False, True)


async def test_failed_request_with_pending_undo_leaves_its_key_known(answers: FirstAnswers) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with answers.claim(REQUEST) as claim:
            claim.undo_pending = True
            raise ZeroDivisionError
    async with answers.claim(REQUEST) as retry:
        assert not retry.is_first
