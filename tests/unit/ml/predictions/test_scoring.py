"""Scoring by cost: the event loop stays free, and costly requests are limited, shared and stopped."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest

from kit.deadlines import start_deadline
from kit.disconnects import connection
from kit.errors import ClientLeft, DeadlinePassed
from kit.identity import UserId
from ml_service.errors import PredictionTimedOut, TooManyAtOnce
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors import DEFAULT_OPTIONS, EncodedRows, PredictionOptions, Predictor
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.learning.predictors.errors import PredictionTooLarge
from ml_service.predictions.answers import Answer, Stopped, compute, compute_in_pieces
from ml_service.predictions.scoring import LOOP_SECONDS, WAITING_PER_USER, Scoring
from ml_service.store.process_pool import ProcessPool

ADA, BOB = UserId(1), UserId(2)
ROWS = [{"x": float(index)} for index in range(100)]


@dataclass
class Scorer:
    """Scores rows as their own value, after `before`; records threads and numbers of rows."""

    before: Callable[[], object] = bool
    threads: set[int] = field(default_factory=set[int])
    pieces: list[int] = field(default_factory=list[int])

    def __call__(self, rows: Matrix) -> Matrix:
        self.threads.add(threading.get_ident())
        self.pieces.append(len(rows))
        self.before()
        return rows[:, 0]


class CostlyPredictor(Predictor):
    def __init__(self, scorer: Scorer, seconds_per_row: float) -> None:
        arrays = {"fill": np.zeros(1), "mean": np.zeros(1), "scale": np.ones(1)}
        encoder = Encoder(Encoding(("x",), (), {}), arrays)
        super().__init__(encoder, scorer, (), Calibration(np.zeros(100)))
        self._seconds = seconds_per_row

    def estimate_seconds(self, rows: int) -> float:
        return self._seconds * rows


@pytest.fixture
def scorer() -> Scorer:
    return Scorer()


@pytest.fixture(autouse=True)
def _no_deadline() -> Iterator[None]:
    yield
    start_deadline(None)


def new_scoring(seconds: float = 30) -> Scoring:
    return Scoring(ProcessPool(1), seconds)


async def score(scoring: Scoring, predictor: Predictor, user: UserId = ADA, rows: int = len(ROWS)) -> Answer:
    encoded = predictor.encode(ROWS[:rows])
    return await scoring.score(user, predictor, encoded, DEFAULT_OPTIONS)


async def test_cheap_request_is_scored_on_the_event_loop(scorer: Scorer) -> None:
    await score(new_scoring(), CostlyPredictor(scorer, LOOP_SECONDS / len(ROWS)))
    assert scorer.threads == {threading.get_ident()}


async def test_costly_request_leaves_the_event_loop_free(scorer: Scorer) -> None:
    go = threading.Event()
    scorer.before = lambda: go.wait(10)
    scoring, predictor = new_scoring(), CostlyPredictor(scorer, 0.1)
    working = asyncio.create_task(score(scoring, predictor, rows=1))
    cheap = CostlyPredictor(Scorer(), 0)
    assert (await score(scoring, cheap))["predictions"] == [row["x"] for row in ROWS]
    assert not working.done()
    go.set()
    assert (await working)["predictions"] == [0.0]
    assert threading.get_ident() not in scorer.threads


async def test_one_row_of_a_costly_model_is_not_scored_on_the_event_loop(scorer: Scorer) -> None:
    await score(new_scoring(), CostlyPredictor(scorer, 0.07), rows=1)
    assert threading.get_ident() not in scorer.threads


async def test_costly_rows_are_encoded_off_the_event_loop() -> None:
    threads: set[int] = set()

    class Recording(CostlyPredictor):
        def encode(self, rows: object) -> EncodedRows:
            threads.add(threading.get_ident())
            return super().encode(cast("list[dict[str, object]]", rows))

    await new_scoring().encode(ADA, Recording(Scorer(), 0.1), ROWS)
    assert threads
    assert threading.get_ident() not in threads


async def test_pieces_have_the_answer_of_the_whole(scorer: Scorer) -> None:
    options = PredictionOptions(coverage=0.9)
    predictor = CostlyPredictor(scorer, 0.01)
    encoded = predictor.encode(ROWS)
    assert compute_in_pieces(predictor, encoded, options, bool) == compute(predictor, encoded, options)
    assert scorer.pieces[:-1] == [5] * 20


async def test_stopped_request_is_not_scored_further(scorer: Scorer) -> None:
    predictor = CostlyPredictor(scorer, 0.05)
    with pytest.raises(Stopped):
        compute_in_pieces(predictor, predictor.encode(ROWS), DEFAULT_OPTIONS, lambda: len(scorer.pieces) > 2)
    assert scorer.pieces == [1, 1, 1]


async def test_request_stops_at_its_time_limit(scorer: Scorer) -> None:
    scorer.before = lambda: time.sleep(0.02)
    with pytest.raises(PredictionTimedOut):
        await score(new_scoring(0.1), CostlyPredictor(scorer, 0.05))
    await asyncio.sleep(0.1)
    assert len(scorer.pieces) < 20


async def test_request_stops_at_its_deadline(scorer: Scorer) -> None:
    scorer.before = lambda: time.sleep(0.02)
    start_deadline(b"100")
    with pytest.raises(DeadlinePassed):
        await score(new_scoring(), CostlyPredictor(scorer, 0.05))
    await asyncio.sleep(0.1)
    assert len(scorer.pieces) < 20


async def test_request_stops_when_its_client_leaves(scorer: Scorer) -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    scorer.before = lambda: (loop.call_soon_threadsafe(started.set), time.sleep(0.02))

    async def receive() -> dict[str, object]:
        await started.wait()
        return {"type": "http.disconnect"}

    token = connection.set(receive)  # type: ignore[arg-type] - a message of ASGI
    try:
        with pytest.raises(ClientLeft):
            await score(new_scoring(), CostlyPredictor(scorer, 0.05))
    finally:
        connection.reset(token)
    await asyncio.sleep(0.1)
    assert len(scorer.pieces) < 20


async def test_rows_estimated_beyond_the_limit_are_refused_with_the_possible_number(scorer: Scorer) -> None:
    with pytest.raises(PredictionTooLarge) as refusal:
        new_scoring(5).require_in_time(CostlyPredictor(scorer, 0.1), 100)
    assert refusal.value.members == {"limit": 50}
    assert scorer.pieces == []


async def test_one_user_with_many_requests_leaves_a_thread_to_others(scorer: Scorer) -> None:
    go = threading.Event()
    scorer.before = lambda: go.wait(10)
    scoring, costly = new_scoring(), CostlyPredictor(scorer, 0.05)
    flood = [asyncio.create_task(score(scoring, costly)) for _ in range(10)]
    await asyncio.sleep(0.05)
    assert (await score(scoring, CostlyPredictor(Scorer(), 0.05), BOB, rows=2))["predictions"] == [0.0, 1.0]
    for each in flood:
        each.cancel()
    go.set()
    await asyncio.gather(*flood, return_exceptions=True)


async def test_requests_of_one_user_beyond_the_queue_are_refused(scorer: Scorer) -> None:
    go = threading.Event()
    scorer.before = lambda: go.wait(10)
    scoring, costly = new_scoring(), CostlyPredictor(scorer, 0.05)
    flood = [asyncio.create_task(score(scoring, costly, rows=1)) for _ in range(WAITING_PER_USER + 1)]
    await asyncio.sleep(0.05)
    with pytest.raises(TooManyAtOnce):
        await score(scoring, costly)
    go.set()
    assert len(await asyncio.gather(*flood)) == WAITING_PER_USER + 1


async def test_costly_requests_do_not_occupy_the_threads_of_file_work(scorer: Scorer) -> None:
    go = threading.Event()
    scorer.before = lambda: go.wait(10)
    scoring, costly = new_scoring(), CostlyPredictor(scorer, 0.05)
    flood = [asyncio.create_task(score(scoring, costly, UserId(user))) for user in range(20)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: "written") == "written"
    for each in flood:
        each.cancel()
    go.set()
    await asyncio.gather(*flood, return_exceptions=True)
