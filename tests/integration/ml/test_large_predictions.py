"""Large predictions: read and predicted in a process, after the charge, with a bounded stored answer."""

import asyncio
from dataclasses import replace

import asyncpg
import orjson
import pytest
from tests.integration.ml.service import ADA, PENGUIN, Json, Service, eventually
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

from kit.identity import UserId
from ml_service.container import Container
from ml_service.errors import PredictionTimedOut
from ml_service.predictions.large_requests import PredictionTask
from ml_service.predictions.scoring import Scoring

MANY = [PENGUIN] * 1000
PADDING = b" " * 70_000


class RecordingScoring(Scoring):
    """Records the predicted tasks."""

    def __init__(self, scoring: Scoring) -> None:
        super().__init__(scoring._processes, scoring.seconds)
        self.tasks: list[PredictionTask] = []

    async def predict(self, user: UserId, task: PredictionTask) -> bytes:
        self.tasks.append(task)
        return await super().predict(user, task)


def scoring_of(service: Service) -> RecordingScoring:
    container: Container = service.app.state.container
    scoring = RecordingScoring(container.predictions.scoring)
    predictions = replace(container.predictions, scoring=scoring)
    service.app.state.container = replace(container, predictions=predictions)
    return scoring


async def is_refunded(service: Service, sql: asyncpg.Connection) -> None:
    async def nothing_is_pending() -> bool:
        return await sql.fetchval("SELECT count(*) FROM ml.refunds") == 0

    await eventually(nothing_is_pending)
    assert service.billing.balance(ADA) == 100


async def test_many_rows_have_the_answer_of_few(idle: Service, model: str) -> None:
    few = (await idle.predict(model, rows=[PENGUIN], probabilities=True)).json()
    many = (await idle.predict(model, rows=MANY, probabilities=True)).json()
    assert many["predictions"] == few["predictions"] * 1000
    # A product of matrices may be rounded by their size.
    assert many["probabilities"] == [pytest.approx(few["probabilities"][0])] * 1000


async def test_unaffordable_rows_are_not_predicted(idle: Service, model: str) -> None:
    scoring = scoring_of(idle)
    idle.billing.wallets[UserId(ADA)].posted = 4
    assert_problem(await idle.predict(model, rows=MANY), 402, "not_enough_tokens")
    assert scoring.tasks == []


@pytest.mark.parametrize(
    ("row", "code"),
    [({"year": "many"}, "invalid_feature"), ({"colour": "red"}, "unknown_feature")],
)
async def test_invalid_rows_are_refunded(
    idle: Service, model: str, sql: asyncpg.Connection, row: Json, code: str
) -> None:
    assert_problem(await idle.predict(model, rows=[*MANY, PENGUIN | row]), 422, code)
    await is_refunded(idle, sql)


async def test_unreadable_body_is_refused_before_a_charge(idle: Service, model: str) -> None:
    headers = bearer(ADA) | {"Content-Type": "application/json"}
    url = f"/v1/models/{model}/predict"
    for body, status, code in (
        (b"{" + PADDING, 400, "malformed"),
        (b'{"rows": 5}' + PADDING, 422, "invalid_input"),
        (b"[" * 100_000, 400, "malformed"),
    ):
        assert_problem(await idle.client.post(url, content=body, headers=headers), status, code)
    assert "charge" not in idle.billing.calls


async def test_body_for_an_unknown_model_is_not_read(idle: Service) -> None:
    async def never() -> Json:
        raise AssertionError("The body was read.")
        yield b""

    headers = bearer(ADA) | {"Content-Type": "application/json", "Content-Length": "10000000"}
    answer = await idle.client.post("/v1/models/1_nothing/predict", content=never(), headers=headers)
    assert_problem(answer, 404, "model_not_found")


async def test_large_row_of_the_course_is_predicted(idle: Service, model: str) -> None:
    headers = bearer(ADA) | {"Content-Type": "application/json"}
    body = orjson.dumps(PENGUIN) + PADDING
    answer = await idle.client.post(f"/predict/{model}", content=body, headers=headers)
    assert answer.json() == {"status": "success", "prediction": "Gentoo", "tokens_deducted": 5}


@pytest.mark.parametrize(("rows", "files"), [(600, 0), (9000, 1)])
async def test_retry_receives_the_stored_answer(idle: Service, model: str, rows: int, files: int) -> None:
    """A large answer is a file instead of a row of the database."""
    scoring = scoring_of(idle)
    first, again = [await idle.predict(model, key="once", rows=[PENGUIN] * rows) for _ in range(2)]
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert again.headers["x-receipt-id"] == first.headers["x-receipt-id"]
    assert (len(scoring.tasks), len(idle.stored("results"))) == (1, files)


async def test_stored_answer_is_bounded_in_the_database(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await idle.predict(model, key="large", rows=[PENGUIN] * 9000, probabilities=True)
    assert await sql.fetchval("SELECT max(length(answer)) FROM ml.idempotency_keys") < 1000


async def test_answer_whose_file_is_gone_is_not_replayed(idle: Service, model: str) -> None:
    await idle.predict(model, key="gone", rows=[PENGUIN] * 9000)
    for file in (idle.store / "results").iterdir():
        file.unlink()
    answer = await idle.predict(model, key="gone", rows=[PENGUIN] * 9000)
    assert_problem(answer, 409, "idempotency_key_expired")


async def test_answer_without_a_key_leaves_no_file(idle: Service, model: str) -> None:
    await idle.predict(model, rows=[PENGUIN] * 9000)
    assert idle.stored("results") == set()


async def test_prediction_beyond_its_time_limit_is_refunded(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    scoring = scoring_of(idle)
    scoring.seconds = 0.001
    answer = await idle.predict(model, rows=MANY)
    assert answer.json()["code"] in (PredictionTimedOut.code, "prediction_too_large")
    await is_refunded(idle, sql)


async def test_deadline_stops_a_prediction_and_refunds_it(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    headers = bearer(ADA) | {"X-Request-Timeout-Ms": "1"}
    url = f"/v1/models/{model}/predict"
    for rows in ([PENGUIN], MANY):
        answer = await idle.client.post(url, json={"rows": rows}, headers=headers)
        assert_problem(answer, 503, "deadline_passed")
    await is_refunded(idle, sql)


async def test_cancelled_prediction_ends_its_process_and_is_refunded(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    working = asyncio.create_task(idle.predict(model, rows=[PENGUIN] * 9000))

    async def is_charged() -> bool:
        return "charge" in idle.billing.calls

    await eventually(is_charged)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    await is_refunded(idle, sql)


async def test_large_model_is_loaded_after_the_charge(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await sql.execute("UPDATE ml.models SET size_bytes = 9000000")
    idle.billing.wallets[UserId(ADA)].posted = 4
    loaded: list[int] = []
    container: Container = idle.app.state.container
    cache = container.predictions.model_cache
    load = cache._load
    cache._load = lambda stored: (loaded.append(stored.id), load(stored))[1]
    assert_problem(await idle.predict(model), 402, "not_enough_tokens")
    assert loaded == []
    idle.billing.grant(ADA, 96)
    assert (await idle.predict(model, features={})).status_code == 422
    await is_refunded(idle, sql)
    assert (await idle.predict(model)).status_code == 200
    assert len(loaded) == 1
