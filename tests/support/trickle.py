"""A steady trickle of trainings and predictions, each under its own key, to be asked about later."""

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
# An outage is told as one; anything else that is not an answer is a fault.
AWAY = {503}
TWIN = 409


@dataclass
class Trickle:
    """`predictions` and `trainings` are the keys that were sent, `faults` the answers that must not be."""

    user: Person
    model: str
    dataset_id: int
    prediction_every: float = 0.1
    training_every: float = 0.8
    predictions: list[str] = field(default_factory=list)
    trainings: list[str] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)

    async def predict(self, key: str) -> httpx.Response:
        return await self.user.post(f"/v1/models/{self.model}/predict", json=FEATURES, headers=_keyed(key))

    async def train(self, key: str) -> httpx.Response:
        params = {"n_estimators": 60}
        order = {"dataset_id": self.dataset_id, "type": "random_forest", "label": "y", "params": params}
        return await self.user.post("/v1/models", json=order, headers=_keyed(key))

    async def answered(
        self, send: Callable[[str], Awaitable[httpx.Response]], key: str, until: float
    ) -> Json:
        """What became of this key: asked again until there is an answer."""
        while True:
            answer = await self._try(send, key)
            if answer is not None and answer.is_success:
                return {**answer.json(), "receipt_id": answer.headers.get("x-receipt-id")}
            assert time.monotonic() < until, (key, answer and (answer.status_code, answer.text))
            await asyncio.sleep(0.2)

    async def _send_now_and_then(
        self, send: Callable[[str], Awaitable[httpx.Response]], sent: list[str], every: float
    ) -> None:
        async with asyncio.TaskGroup() as running:
            while True:
                key = uuid4().hex
                sent.append(key)
                running.create_task(self._try(send, key))
                await asyncio.sleep(every)

    async def _try(self, send: Callable[[str], Awaitable[httpx.Response]], key: str) -> httpx.Response | None:
        try:
            answer = await send(key)
        except httpx.TransportError:
            return None
        if not (answer.is_success or answer.status_code in {*AWAY, TWIN}):
            self.faults.append((answer.status_code, answer.text))
        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Requests keep coming while the block lasts."""
        tasks = [
            asyncio.create_task(
                self._send_now_and_then(self.predict, self.predictions, self.prediction_every)
            ),
            asyncio.create_task(self._send_now_and_then(self.train, self.trainings, self.training_every)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}
