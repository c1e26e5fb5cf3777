"""Background load: trainings and predictions at a steady rate, each with a key for later retries."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx

from tests.support.people import Person
from tests.support.training import Json

FEATURES = {"features": {"x": 10, "noise": 3}}
# Expected statuses during an outage; any other error is a fault.
UNAVAILABLE = 503
TWIN_RUNNING = 409

Send = Callable[[str], Awaitable[httpx.Response]]


@dataclass
class BackgroundLoad:
    """`predictions` and `trainings` are the sent keys, `faults` the unexpected error answers."""

    user: Person
    model: str
    dataset_id: int
    prediction_every: float = 0.1
    training_every: float = 0.8
    predictions: list[str] = field(default_factory=list)
    trainings: list[str] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send requests for the duration of the block."""
        tasks = [
            asyncio.create_task(self._send_forever(self.predict, self.predictions, self.prediction_every)),
            asyncio.create_task(self._send_forever(self.train, self.trainings, self.training_every)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def predict(self, key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return await self.user.post(f"/v1/models/{self.model}/predict", json=FEATURES, headers=headers)

    async def train(self, key: str) -> httpx.Response:
        params = {"n_estimators": 60}
        body = {"dataset_id": self.dataset_id, "type": "random_forest", "label": "y", "params": params}
        return await self.user.post("/v1/models", json=body, headers={"Idempotency-Key": key})

    async def answer(self, send: Send, key: str, until: float) -> Json:
        """Retry with this key until there is an answer."""
        while True:
            answer = await self._try(send, key)
            if answer is not None and answer.is_success:
                return {**answer.json(), "receipt_id": answer.headers.get("x-receipt-id")}
            assert time.monotonic() < until, (key, answer and (answer.status_code, answer.text))
            await asyncio.sleep(0.2)

    async def _send_forever(self, send: Send, sent: list[str], every: float) -> None:
        async with asyncio.TaskGroup() as running:
            while True:
                key = uuid4().hex
                sent.append(key)
                running.create_task(self._try(send, key))
                await asyncio.sleep(every)

    async def _try(self, send: Send, key: str) -> httpx.Response | None:
        try:
            answer = await send(key)
        except httpx.TransportError:
            return None
        if not (answer.is_success or answer.status_code in {UNAVAILABLE, TWIN_RUNNING}):
            self.faults.append((answer.status_code, answer.text))
        return answer
