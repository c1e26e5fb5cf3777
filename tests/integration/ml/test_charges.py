"""Charges of predictions: paid before anything is scored, refunded durably if scoring fails."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from tests.integration.ml.service import ADA, Service, eventually, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer
from tests.support.unreliable_billing import UnreliableBilling

from kit.identity import Caller, UserId
from ml_service.container import Container
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors import Predictor
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.models.model_cache import ModelCache
from ml_service.predictions.service import PredictionInput, PredictionService

ROW = {"x": 1.0}
MANY_ROWS = [ROW] * 100


@dataclass
class Scorer:
    """Scores rows as 7, after `before` has run."""

    before: Callable[[], object] = bool
    scored: int = 0

    def __call__(self, rows: Matrix) -> Matrix:
        self.scored += len(rows)
        self.before()
        return np.full(len(rows), 7.0)


@dataclass
class Scored:
    """A service whose models all predict with `scorer`."""

    service: Service
    sql: asyncpg.Connection
    scorer: Scorer = field(default_factory=Scorer)

    def __post_init__(self) -> None:
        arrays = {"fill": np.zeros(1), "mean": np.zeros(1), "scale": np.ones(1)}
        encoder = Encoder(Encoding(("x",), (), {}), arrays)
        self.predictor = predictor = Predictor(encoder, self.scorer, (), Calibration(np.zeros(1)))
        container: Container = self.service.app.state.container
        predictions = replace(container.predictions, model_cache=ModelCache(lambda _: predictor, 10, 10**9))
        self.service.app.state.container = replace(container, predictions=predictions)

    @property
    def predictions(self) -> PredictionService:
        return self.service.app.state.container.predictions

    @property
    def billing(self) -> UnreliableBilling:
        assert isinstance(self.service.billing, UnreliableBilling)
        return self.service.billing

    async def status(self, key: str | None = None, **body: object) -> int:
        return (await self.service.predict("1_penguins", key=key, **(body or {"features": ROW}))).status_code

    def be_costly(self, seconds_per_row: float = 0.01) -> None:
        """Score in a thread, row by row."""
        self.predictor.estimate_seconds = lambda rows: rows * seconds_per_row  # type: ignore[method-assign]

    async def pending(self) -> int:
        return await self.sql.fetchval("SELECT count(*) FROM ml.refunds")

    async def until_refunded(self) -> None:
        async def nothing_is_pending() -> bool:
            return await self.pending() == 0

        await eventually(nothing_is_pending)


@pytest.fixture
def billing() -> MemoryBilling:
    billing = UnreliableBilling()
    billing.grant(ADA, 100)
    return billing


@pytest.fixture
def scored(idle: Service, model: str, sql: asyncpg.Connection) -> Scored:  # noqa: ARG001 - inserts the model
    return Scored(idle, sql)


def fail() -> None:
    raise ArithmeticError


async def test_empty_wallet_is_refused_before_anything_is_scored(scored: Scored) -> None:
    scored.billing.wallets[UserId(ADA)].posted = 4
    assert await scored.status() == 402
    assert scored.scorer.scored == 0


async def test_paid_prediction_is_scored_once(scored: Scored) -> None:
    assert await scored.status() == 200
    assert (scored.scorer.scored, scored.billing.balance(ADA)) == (1, 95)


async def test_failed_scoring_is_refunded(scored: Scored) -> None:
    scored.scorer.before = fail
    assert await scored.status() == 500
    assert (scored.billing.balance(ADA), await scored.pending()) == (100, 0)
    assert scored.billing.calls.count("charge") == scored.billing.calls.count("refund") == 1


async def test_refund_is_recorded_before_it_is_sent(scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it would be lost with a process that dies in between."""
    pending: list[int] = []

    async def refund(_key: str, _user_id: int) -> None:
        pending.append(await scored.pending())

    monkeypatch.setattr(scored.billing, "refund", refund)
    scored.scorer.before = fail
    assert await scored.status() == 500
    assert set(pending) == {1}


async def test_refund_is_sent_once_billing_is_back(scored: Scored) -> None:
    scored.scorer.before, scored.billing.faults = fail, {"refund": "down"}
    assert await scored.status() == 500
    assert (scored.billing.balance(ADA), await scored.pending()) == (95, 1)
    scored.billing.faults = {}
    await scored.until_refunded()
    assert (scored.billing.balance(ADA), scored.billing.calls.count("refund")) == (100, 1)


async def test_refund_of_a_dead_replica_is_sent_by_another(
    scored: Scored, database: Database, tmp_path: Path
) -> None:
    """As after a kill: the row is all that is left of the failed request."""
    assert await scored.status(key="dead") == 200
    key = next(iter(scored.billing.entries))
    await scored.sql.execute("INSERT INTO ml.refunds (key, user_id) VALUES ($1, $2)", key, ADA)
    async with run_service(database, tmp_path, scored.billing):
        await scored.until_refunded()
    assert scored.billing.balance(ADA) == 100


async def test_charge_with_lost_answer_is_refunded(scored: Scored) -> None:
    scored.billing.faults = {"charge": "lost"}
    assert await scored.status() == 503
    assert (scored.billing.balance(ADA), await scored.pending(), scored.scorer.scored) == (100, 0, 0)


async def test_charge_that_was_never_sent_needs_no_refund(scored: Scored) -> None:
    scored.billing.faults = {"charge": "unreachable"}
    assert await scored.status() == 503
    assert "refund" not in scored.billing.calls


async def test_cancelled_prediction_is_refunded(scored: Scored) -> None:
    scored.be_costly()
    started, go = threading.Event(), threading.Event()
    scored.scorer.before = lambda: (started.set(), go.wait(10))
    caller = Caller(UserId(ADA), "user", 0, None, None, 0)
    predicting = scored.predictions.predict(caller, PredictionInput("1_penguins", MANY_ROWS, None))
    # Not in the context of the fixture's requests, whose clients have left.
    working = asyncio.create_task(predicting, context=contextvars.Context())
    await asyncio.to_thread(started.wait, 10)
    assert scored.billing.balance(ADA) == 95
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    go.set()
    assert scored.billing.balance(ADA) == 100


async def test_prediction_whose_answer_cannot_be_stored_is_refunded(scored: Scored) -> None:
    async def predict_without_a_claim() -> int:
        return await scored.status(key="lost", rows=MANY_ROWS)

    scored.be_costly()
    started, go = threading.Event(), threading.Event()
    scored.scorer.before = lambda: (started.set(), go.wait(10))
    answering = asyncio.create_task(predict_without_a_claim())
    await asyncio.to_thread(started.wait, 10)
    await scored.sql.execute("DELETE FROM ml.idempotency_keys")
    go.set()
    assert await answering == 409
    assert scored.billing.balance(ADA) == 100


class TestRetryWithTheSameKey:
    async def test_after_a_refund_is_charged_anew(self, scored: Scored) -> None:
        scored.scorer.before = fail
        assert [await scored.status(key="again") for _ in range(2)] == [500, 500]
        scored.scorer.before = bool
        assert [await scored.status(key="again") for _ in range(2)] == [200, 200]
        assert (scored.billing.balance(ADA), scored.scorer.scored) == (95, 3)

    async def test_before_the_refund_arrives_is_charged_anew(self, scored: Scored) -> None:
        scored.scorer.before, scored.billing.faults = fail, {"refund": "down"}
        assert await scored.status(key="again") == 500
        scored.scorer.before = bool
        assert await scored.status(key="again") == 200
        assert (scored.billing.balance(ADA), await scored.pending()) == (90, 1)
        scored.billing.faults = {}
        await scored.until_refunded()
        assert scored.billing.balance(ADA) == 95

    async def test_after_death_between_charge_and_answer_is_charged_once(self, scored: Scored) -> None:
        assert await scored.status(key="dead") == 200
        await scored.sql.execute("UPDATE ml.idempotency_keys SET answer = NULL, lease_until = now()")
        assert await scored.status(key="dead") == 200
        assert (scored.billing.balance(ADA), scored.scorer.scored) == (95, 2)

    async def test_of_a_refunded_answer_pays_for_it(self, scored: Scored) -> None:
        """As after a cancellation while the answer was stored."""
        assert await scored.status(key="stored") == 200
        await scored.billing.refund(next(iter(scored.billing.entries)), UserId(ADA))
        assert await scored.status(key="stored") == 200
        assert (scored.billing.balance(ADA), scored.scorer.scored) == (95, 1)

    async def test_of_an_answer_of_the_previous_release_settles_its_hold(self, scored: Scored) -> None:
        assert await scored.status(key="older") == 200
        (entry,) = scored.billing.entries.values()
        scored.billing.grant(ADA, entry.tokens)
        scored.billing.entries.clear()
        await scored.billing.hold(entry.charge, 60)
        await scored.sql.execute(
            "UPDATE ml.idempotency_keys SET answer ="
            " convert_to((convert_from(answer, 'UTF8')::jsonb - 'charged')::text, 'UTF8')"
        )
        assert [await scored.status(key="older") for _ in range(2)] == [200, 200]
        assert (scored.billing.balance(ADA), scored.billing.held(ADA)) == (95, 0)


async def test_api_key_without_the_scope_is_refused_and_free(scored: Scored) -> None:
    headers = bearer(ADA, api_key={"id": 7, "scopes": ["read"], "cap": None})
    answer = await scored.service.client.post(
        "/v1/models/1_penguins/predict", json={"features": ROW}, headers=headers
    )
    assert (answer.status_code, scored.billing.balance(ADA)) == (403, 100)
