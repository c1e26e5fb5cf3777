"""Scoring where its cost belongs: on the event loop, in a few threads, or in a reader process.

A cheap request takes less time than the start of a thread. A costly one would stop all others, so it waits
for a slot, is limited in time, and stops when its client disconnects.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kit.deadlines import remaining_seconds
from kit.disconnects import while_connected
from kit.errors import DeadlinePassed
from kit.identity import UserId
from ml_service.errors import PredictionTimedOut, ReaderTimedOut
from ml_service.learning.predictors import EncodedRows, PredictionOptions, Predictor
from ml_service.learning.predictors.errors import PredictionTooLarge
from ml_service.predictions import large_requests
from ml_service.predictions.answers import Answer, compute, compute_in_pieces, rows_in
from ml_service.predictions.large_requests import Dialect, PredictionTask, RequestSummary
from ml_service.predictions.schemas import Row
from ml_service.store.fair_slots import FairSlots
from ml_service.store.process_pool import ProcessPool, within

# Every other request waits as long.
LOOP_SECONDS = 0.004
# To parse this much takes 2 to 4 ms.
LOOP_BYTES = 64 * 1024
# Numbers in an answer; to render more takes longer than the start of a call in a process.
LOOP_VALUES = 20_000
THREADS = 2
# The slots are shared by rounds of the waiting users, so this bounds only the queue of one user.
WAITING_PER_USER, WAITING = 16, 200

Result = TypeVar("Result")
IsStopped = Callable[[], bool]


class Scoring:
    """`seconds` is the time limit of a request, published as `prediction.seconds`."""

    def __init__(self, processes: ProcessPool, seconds: float) -> None:
        self.seconds = seconds
        self._processes = processes
        self._slots = FairSlots(THREADS, WAITING_PER_USER, WAITING)
        # Threads of their own: those of asyncio write uploads, too.
        self._threads = ThreadPoolExecutor(THREADS, "scoring")

    def require_in_time(self, predictor: Predictor, rows: int) -> None:
        """Raises PredictionTooLarge for rows that are estimated to take longer than the limit."""
        if predictor.estimate_seconds(rows) > self.seconds:
            raise PredictionTooLarge(rows_in(self.seconds, predictor, rows))

    async def encode(self, user: UserId, predictor: Predictor, rows: list[Row]) -> EncodedRows:
        if predictor.estimate_seconds(len(rows)) <= LOOP_SECONDS:
            return predictor.encode(rows)
        return await self._in_thread(user, lambda _: predictor.encode(rows))

    async def score(
        self, user: UserId, predictor: Predictor, encoded: EncodedRows, options: PredictionOptions
    ) -> Answer:
        if predictor.estimate_seconds(len(encoded.matrix)) <= LOOP_SECONDS:
            return compute(predictor, encoded, options)
        return await self._in_thread(
            user, lambda is_stopped: compute_in_pieces(predictor, encoded, options, is_stopped)
        )

    async def summarise(self, user: UserId, body: bytes, dialect: Dialect, model: str) -> RequestSummary:
        return await self._processes.run(large_requests.summarise, body, dialect, model, user=user)

    async def predict(self, user: UserId, task: PredictionTask) -> bytes:
        try:
            return await self._processes.run(large_requests.predict, task, user=user, seconds=self.seconds)
        except ReaderTimedOut:
            raise PredictionTimedOut(self.seconds) from None

    async def _in_thread(self, user: UserId, work: Callable[[IsStopped], Result]) -> Result:
        """Raises PredictionTimedOut, DeadlinePassed, ClientLeft, TooManyAtOnce or ReadersBusy."""
        return await while_connected(self._run(user, work))

    async def _run(self, user: UserId, work: Callable[[IsStopped], Result]) -> Result:
        async with within(remaining_seconds(), DeadlinePassed()), self._slots.slot(user):
            stopped = threading.Event()
            working = asyncio.get_running_loop().run_in_executor(self._threads, work, stopped.is_set)
            try:
                async with within(self.seconds, PredictionTimedOut(self.seconds)):
                    return await working
            finally:
                stopped.set()


def is_large(rows: int, predictor: Predictor, options: PredictionOptions) -> bool:
    """Whether the answer has too many numbers to render it on the event loop."""
    return options.probabilities and rows * len(predictor.classes) > LOOP_VALUES
