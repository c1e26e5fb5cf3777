"""Predictions of rows over HTTP: charges, refusals and retries."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, PENGUIN, Json, Service, eventually, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer


async def test_one_row_is_predicted_and_charged(idle: Service, model: str) -> None:
    answer = await idle.predict(model)
    assert answer.json() == {"model": model, "prediction": "Gentoo", "warnings": [], "warning_count": 0}
    assert answer.headers["x-tokens-charged"] == "5"
    assert answer.headers["x-tokens-balance"] == str(idle.billing.balance(ADA)) == "95"
    assert answer.headers["x-receipt-id"]


async def test_many_rows_are_charged_per_started_thousand(idle: Service, model: str) -> None:
    answer = await idle.predict(model, rows=[PENGUIN] * 1001)
    assert answer.json()["predictions"] == ["Gentoo"] * 1001
    assert answer.headers["x-tokens-charged"] == "10"


async def test_unseen_category_is_predicted_with_a_warning(idle: Service, model: str) -> None:
    answer = await idle.predict(model, features=PENGUIN | {"island": "Atlantis"})
    warnings = answer.json()["warnings"]
    assert [(warning["row"], warning["feature"]) for warning in warnings] == [(1, "island")]


@pytest.mark.parametrize(
    "body",
    [
        {"features": PENGUIN | {"year": "many"}},
        {"features": PENGUIN | {"year": True}},
        {"features": PENGUIN | {"colour": "red"}},
        {"features": {}},
        {"rows": []},
        {"rows": [PENGUIN, {}]},
        {"features": PENGUIN, "rows": [PENGUIN]},
        {"features": PENGUIN, "more": 1},
        {"features": None},
        {"nothing": 1},
    ],
)
async def test_invalid_input_is_refused_before_a_charge(idle: Service, model: str, body: Json) -> None:
    idle.billing.calls.clear()
    answer = await idle.predict(model, **body)
    assert answer.status_code == 422, answer.text
    assert "charge" not in idle.billing.calls


@pytest.mark.parametrize("name", ["1_nothing", "../../etc", "a%00b", "1_penguins%00", "x" * 200])
async def test_unknown_model_is_not_found(idle: Service, name: str) -> None:
    answer = await idle.predict(name)
    assert answer.status_code == 404


async def test_model_of_another_user_is_not_found(idle: Service, model: str) -> None:
    answer = await idle.predict(model, BOB)
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


async def test_fourteen_tokens_pay_for_two_of_twenty_predictions(idle: Service, model: str) -> None:
    idle.billing.wallets[ADA].posted = 14  # pyright: ignore[reportArgumentType] - a plain id
    answers = await asyncio.gather(*(idle.predict(model) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [402] * 18
    assert (idle.billing.balance(ADA), idle.billing.held(ADA)) == (4, 0)


async def test_refusal_has_required_and_available_tokens(idle: Service, model: str) -> None:
    idle.billing.wallets[ADA].posted = 3  # pyright: ignore[reportArgumentType] - a plain id
    problem = (await idle.predict(model)).json()
    assert (problem["required"], problem["available"]) == (5, 3)


async def test_unavailable_billing_is_503(idle: Service, model: str) -> None:
    idle.billing.unavailable = True
    answer = await idle.predict(model)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_retry_receives_the_first_answer_and_charge(idle: Service, model: str) -> None:
    first = await idle.predict(model, key="once")
    again = await idle.predict(model, key="once")
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-receipt-id"] == first.headers["x-receipt-id"]
    assert idle.billing.balance(ADA) == 95


async def test_key_reused_with_other_input_is_refused(idle: Service, model: str) -> None:
    await idle.predict(model, key="once")
    other = await idle.predict(model, key="once", features=PENGUIN | {"island": "Dream"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_concurrent_predictions_with_one_key_are_charged_once(idle: Service, model: str) -> None:
    answers = await asyncio.gather(*(idle.predict(model, key="twin") for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert idle.billing.balance(ADA) == 95


async def test_key_of_a_refused_request_can_be_used_again(idle: Service, model: str) -> None:
    idle.billing.wallets[ADA].posted = 0  # pyright: ignore[reportArgumentType] - a plain id
    assert (await idle.predict(model, key="poor")).status_code == 402
    idle.billing.grant(ADA, 5)
    assert (await idle.predict(model, key="poor")).status_code == 200


async def test_retry_predicts_after_a_process_died_without_an_answer(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await idle.predict(model, key="dead")
    await sql.execute("UPDATE ml.idempotency_keys SET answer = NULL, lease_until = now()")
    assert (await idle.predict(model, key="dead")).status_code == 200
    assert idle.billing.balance(ADA) == 95


async def retrain(service: Service, model: str, sql: asyncpg.Connection) -> None:
    """Delete the model and store another one under its name."""
    row = await sql.fetchrow("SELECT * FROM ml.models WHERE name = $1", model)
    assert row is not None
    shutil.copytree(service.store / "artefacts" / "0-1", service.store / "kept")
    await service.client.delete(f"/v1/models/{model}", headers=bearer(ADA))
    await sql.execute(
        "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
        " VALUES ($1, $2, 'logistic', '0-2', $3, $4, now())",
        *(ADA, model, row["files"], row["description"]),
    )
    shutil.copytree(service.store / "kept", service.store / "artefacts" / "0-2")


@pytest.fixture
async def forgetful(
    model: str,  # noqa: ARG001 - inserts the model
    database: Database,
    tmp_path: Path,
    billing: MemoryBilling,
) -> AsyncIterator[Service]:
    """A service that stores answers for half a second."""
    async with run_service(database, tmp_path, billing, answers_kept_hours=0.5 / 3600) as running:
        yield running


@pytest.mark.parametrize("rows", [1, 1000])
async def test_key_of_a_forgotten_answer_is_refused(
    forgetful: Service, model: str, sql: asyncpg.Connection, rows: int
) -> None:
    async def is_forgotten() -> bool:
        return await sql.fetchval("SELECT bool_and(expired) FROM ml.idempotency_keys") is True

    body = {"rows": [PENGUIN] * rows}
    assert (await forgetful.predict(model, key="daily", **body)).status_code == 200
    balance = forgetful.billing.balance(ADA)
    await eventually(is_forgotten)
    await retrain(forgetful, model, sql)
    for _ in range(2):
        assert_problem(await forgetful.predict(model, key="daily", **body), 409, "idempotency_key_expired")
    assert forgetful.billing.balance(ADA) == balance


async def test_key_that_a_former_release_forgot_is_refused(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    """Only billing still knows it."""
    await idle.predict(model, key="old")
    await sql.execute("DELETE FROM ml.idempotency_keys")
    assert_problem(await idle.predict(model, key="old"), 409, "idempotency_key_expired")
    assert idle.billing.balance(ADA) == 95


async def test_prediction_during_deletion_is_200_or_404(idle: Service, model: str) -> None:
    async def delete() -> None:
        await idle.client.delete(f"/v1/models/{model}", headers=bearer(ADA))

    *answers, _ = await asyncio.gather(*(idle.predict(model) for _ in range(10)), delete())
    codes = {answer.status_code for answer in answers if answer is not None}
    assert codes <= {200, 404}
    assert (await idle.predict(model)).status_code == 404


async def test_changed_artefact_is_refused_and_free(idle: Service, model: str) -> None:
    (artefact,) = (idle.store / "artefacts").iterdir()
    with (artefact / "predictor.npz").open("ab") as file:
        file.write(b"!")
    answer = await idle.predict(model)
    assert (answer.status_code, answer.json()["code"]) == (409, "artefact_refused")
    assert idle.billing.balance(ADA) == 100
