"""Batches over HTTP: valid rows are charged, once per key; results are stored with their answers."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from tests.integration.ml.service import ADA, BOB, DATA, Service, eventually
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

from kit import idempotency
from kit.database import AutocommitSession
from kit.idempotency import FirstAnswers, KeyedRequest
from ml_service.orm import first_answers

GRANT = 100
PENGUINS = (DATA / "penguins.csv").read_bytes()
BAD_ROW = b"Biscoe,long,18.7,181,3750,male,2007,Adelie\n"


async def send(
    service: Service, model: str, content: bytes = PENGUINS, key: str | None = None, user: int = ADA
) -> httpx.Response:
    headers = bearer(user) | {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
    return await service.client.post(f"/v1/models/{model}/batch", content=content, headers=headers)


def table(rows: int) -> bytes:
    header, first, *_ = PENGUINS.splitlines(keepends=True)
    return header + first * rows


async def test_file_is_returned_with_predictions_and_charge(idle: Service, model: str) -> None:
    answer = await send(idle, model)
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == len(PENGUINS.splitlines()) - 1
    assert {row["prediction"] for row in rows} == {"Adelie", "Chinstrap", "Gentoo"}
    charged = [answer.headers[name] for name in ("X-Tokens-Charged", "X-Tokens-Balance", "X-Rows-Failed")]
    assert charged == ["5", str(GRANT - 5), "0"]
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert idle.billing.balance(ADA) == GRANT - 5


async def test_only_valid_rows_are_charged(idle: Service, model: str) -> None:
    answer = await send(idle, model, table(999) + BAD_ROW * 600 + table(1).partition(b"\n")[2] * 2)
    assert (answer.headers["X-Rows"], answer.headers["X-Rows-Failed"]) == ("1601", "600")
    assert answer.headers["X-Tokens-Charged"] == "10"
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT - 10, 0)


async def test_file_without_a_valid_row_costs_nothing(idle: Service, model: str) -> None:
    answer = await send(idle, model, table(0) + BAD_ROW)
    assert (answer.status_code, answer.headers["X-Tokens-Charged"]) == (200, "0")
    assert idle.billing.balance(ADA) == GRANT


async def test_retry_receives_the_stored_answer_and_one_charge(idle: Service, model: str) -> None:
    first = await send(idle, model, key="once")
    again = await send(idle, model, key="once")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert again.headers["X-Receipt-Id"] == first.headers["X-Receipt-Id"]
    assert idle.billing.balance(ADA) == GRANT - 5


async def test_concurrent_batches_with_one_key_are_charged_once(idle: Service, model: str) -> None:
    answers = await asyncio.gather(*(send(idle, model, key="twins") for _ in range(3)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200
    assert set(statuses) <= {200, 409}
    assert idle.billing.balance(ADA) == GRANT - 5


async def test_key_reused_with_another_file_is_refused(idle: Service, model: str) -> None:
    await send(idle, model, key="other")
    assert_problem(await send(idle, model, table(2), key="other"), 422, "idempotency_key_reused")


async def test_retry_settles_the_charge_of_a_dead_process(idle: Service, model: str) -> None:
    await send(idle, model, table(1) + BAD_ROW * 1200, key="died")
    for entry in idle.billing.entries.values():
        # As after a crash before the settlement and the expiry of the hold.
        idle.billing.wallets[entry.charge.user_id].posted += entry.receipt.tokens if entry.receipt else 0
        entry.receipt, entry.state = None, "released"
    again = await send(idle, model, table(1) + BAD_ROW * 1200, key="died")
    assert (again.headers["X-Tokens-Charged"], idle.billing.balance(ADA)) == ("5", GRANT - 5)


async def test_batch_without_a_key_leaves_no_file(idle: Service, model: str) -> None:
    await send(idle, model)
    assert idle.stored("results") == set()
    assert idle.stored("uploads") == set()


async def test_stored_result_is_deleted_with_its_answer(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await send(idle, model, key="old")
    assert len(idle.stored("results")) == 1
    await sql.execute("UPDATE ml.idempotency_keys SET created_at = now() - interval '1 year'")

    async def is_gone() -> bool:
        return idle.stored("results") == set()

    await eventually(is_gone)


async def test_key_of_a_forgotten_result_is_refused(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await send(idle, model, key="daily")
    await sql.execute("UPDATE ml.idempotency_keys SET created_at = now() - interval '1 year'")

    async def is_forgotten() -> bool:
        return await sql.fetchval("SELECT bool_and(expired) FROM ml.idempotency_keys") is True

    await eventually(is_forgotten)
    assert_problem(await send(idle, model, key="daily"), 409, "idempotency_key_expired")
    assert idle.billing.balance(ADA) == GRANT - 5


async def test_key_that_a_former_release_forgot_is_refused(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    """Only billing still knows it."""
    await send(idle, model, key="old")
    await sql.execute("DELETE FROM ml.idempotency_keys")
    assert_problem(await send(idle, model, key="old"), 409, "idempotency_key_expired")
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT - 5, 0)


async def test_result_that_is_gone_is_not_replayed(idle: Service, model: str) -> None:
    await send(idle, model, key="gone")
    for file in (idle.store / "results").iterdir():
        file.unlink()
    assert_problem(await send(idle, model, key="gone"), 409, "idempotency_key_expired")


async def test_batch_after_its_deadline_costs_nothing_and_leaves_no_file(idle: Service, model: str) -> None:
    headers = bearer(ADA) | {"Content-Type": "text/csv", "X-Request-Timeout-Ms": "1"}
    answer = await idle.client.post(f"/v1/models/{model}/batch", content=PENGUINS, headers=headers)
    assert_problem(answer, 503, "deadline_passed")
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT, 0)
    assert (idle.stored("results"), idle.stored("uploads")) == (set(), set())


async def test_results_of_a_deleted_user_are_deleted(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await send(idle, model, key="left")
    await sql.execute("INSERT INTO ml.departed_users (user_id) VALUES ($1)", ADA)

    async def is_gone() -> bool:
        return idle.stored("results") == set()

    await eventually(is_gone)


async def test_unaffordable_batch_is_refused_before_it_runs(idle: Service, model: str) -> None:
    answer = await send(idle, model, table(20_001))
    problem = assert_problem(answer, 402, "not_enough_tokens")
    assert (problem["required"], problem["available"]) == (105, GRANT)
    assert idle.stored("results") == set()


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("user", "name"), [(BOB, "1_penguins"), (ADA, "1_unknown"), (ADA, "no name")])
async def test_model_of_another_user_is_not_found(idle: Service, user: int, name: str) -> None:
    assert_problem(await send(idle, name, user=user), 404, "model_not_found")
    assert idle.billing.balance(user) == GRANT
    assert idle.stored("uploads") == set()


async def test_unavailable_billing_costs_nothing_and_can_be_retried(idle: Service, model: str) -> None:
    idle.billing.unavailable = True
    assert_problem(await send(idle, model, key="away"), 503, "billing_unavailable")
    idle.billing.unavailable = False
    assert (await send(idle, model, key="away")).status_code == 200
    assert idle.billing.balance(ADA) == GRANT - 5


async def test_claim_is_renewed_after_a_failed_round(idle: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    database, rounds = idle.app.state.container.database, 0

    @asynccontextmanager
    async def autocommit() -> AsyncIterator[AutocommitSession]:
        nonlocal rounds
        rounds += 1
        if rounds == 2:  # the first inserts the claim
            raise ConnectionError("The database is unavailable for a moment.")
        async with database.autocommit() as session:
            yield session

    async def is_renewed_again() -> bool:
        return rounds > 2

    monkeypatch.setattr(idempotency, "LEASE", timedelta(seconds=0.1))
    unreliable = SimpleNamespace(autocommit=autocommit, read=database.read)
    answers = FirstAnswers(unreliable, first_answers)  # type: ignore[arg-type] - it has the methods that are used
    async with answers.claim(KeyedRequest(str(ADA), "long", bytes(32))):
        await eventually(is_renewed_again, 10)


async def test_answer_whose_commit_is_unconfirmed_keeps_its_file(
    idle: Service, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database stores the answer, but its confirmation is lost: a retry receives it, and pays once."""

    async def keep_unconfirmed(*arguments: Any) -> None:  # Any: those of the method
        await keep(*arguments)
        raise asyncpg.ConnectionDoesNotExistError

    with monkeypatch.context() as patches:
        keep = FirstAnswers.keep
        patches.setattr(FirstAnswers, "keep", keep_unconfirmed)
        assert_problem(await send(idle, model, key="lost"), 503, "unavailable")
    retry = await send(idle, model, key="lost")
    assert (retry.status_code, retry.headers["Idempotency-Replayed"]) == (200, "true")
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (GRANT - 5, 0)
