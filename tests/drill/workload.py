"""Workload of a drill: people who predict, train, upload, buy and delete while the stack is broken.

Every request that costs or creates something has an Idempotency-Key, so that its outcome can be found out
afterwards by a retry, as careful clients do.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.course import TrainingForm, create
from tests.support.people import PASSWORD, Person, unused_name
from tests.support.tables import csv, line_table
from tests.support.training import upload

Json = dict[str, Any]  # Any: decoded JSON
Send = Callable[[str], Awaitable[httpx.Response]]

# What a client may see while something is broken: retry later, or the first request still runs.
EXPECTED = {409, 429, 503, 507}
CREDIT_CARD = "1234-5678-9999-0000"
# As careful clients do, each wait is twice as long as the one before.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.25, 4.0
# The share of batches whose client leaves early.
IMPATIENT = 0.2
REQUEST_SECONDS = 30.0


@dataclass
class Attempt:
    """A request under its key, repeated until it is answered.

    `answer` is the first success, and `refusal` why the last try was none.
    """

    kind: str
    key: str
    send: Send
    x: int = 0
    answer: httpx.Response | None = None
    refusal: str = ""

    @property
    def receipt(self) -> str | None:
        return self.answer.headers.get("x-receipt-id") if self.answer is not None else None


@dataclass
class Worker:
    """One user and what they did; `wrong` are answers that no fault excuses."""

    user: Person
    random: random.Random
    model: str = ""
    dataset_id: int = 0
    credits: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    # Models and datasets of earlier rounds, free to be deleted, and receipts that were verified in them.
    old_models: set[str] = field(default_factory=set)
    old_datasets: set[int] = field(default_factory=set)
    verified: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    async def prepare(self) -> None:
        """Train the first model, on a dataset that later trainings share."""
        self.dataset_id = await upload(self.user, line_table(200))
        attempt = self._attempt("create", self._create_linear())
        await self.finish(attempt, time.monotonic() + 60)
        assert attempt.answer is not None
        self.model = attempt.answer.json()["model_name"]

    async def work(self, seconds_between: float) -> None:
        """Start one request after the other, without waiting for the earlier ones, until cancelled."""
        actions = [self.predict] * 10 + [self.batch] * 2 + [self.train, self.course, self.store, self.buy]
        actions += [self.delete_model, self.delete_dataset, self.sign_up, self.read]
        async with asyncio.TaskGroup() as running:
            while True:
                running.create_task(self._guard(self.random.choice(actions)))
                await asyncio.sleep(self.random.uniform(0, 2 * seconds_between))

    async def predict(self) -> None:
        x = self.random.randrange(1000)
        body = {"features": {"x": x, "noise": 3}}
        path = f"/v1/models/{self.model}/predict"
        await self.try_once(self._attempt("predict", lambda key: self._post(path, key, json=body), x))

    async def predict_with(self, model: str) -> float:
        """The prediction of another model for x = 10."""
        body = {"features": {"x": 10, "noise": 3}}
        path = f"/v1/models/{model}/predict"
        attempt = self._attempt("verify", lambda key: self._post(path, key, json=body))
        await self.finish(attempt, time.monotonic() + REQUEST_SECONDS)
        assert attempt.answer is not None
        return float(attempt.answer.json()["prediction"])

    async def batch(self) -> None:
        rows = csv("x,noise", *(f"{n},{n % 13}" for n in range(self.random.randrange(1, 40))))
        path = f"/v1/models/{self.model}/batch"
        headers = {"Content-Type": "text/csv"}
        attempt = self._attempt("batch", lambda key: self._post(path, key, content=rows, headers=headers))
        if self.random.random() < IMPATIENT:
            # A client that leaves: what was held for it is refunded, and a retry starts anew.
            async with asyncio.timeout(self.random.uniform(0.005, 0.2)):
                await self.try_once(attempt)
        else:
            await self.try_once(attempt)

    async def train(self) -> None:
        kind = self.random.choice(["linear", "random_forest"])
        params = {"n_estimators": 30} if kind == "random_forest" else {}
        body = {"dataset_id": self.dataset_id, "type": kind, "label": "y", "params": params}
        await self.try_once(self._attempt("train", lambda key: self._post("/v1/models", key, json=body)))

    async def course(self) -> None:
        await self.try_once(self._attempt("create", self._create_linear()))

    async def store(self) -> None:
        table = line_table(self.random.randrange(30, 3000))
        headers = {"Content-Type": "text/csv"}
        await self.try_once(
            self._attempt(
                "upload", lambda key: self._post("/v1/datasets", key, content=table, headers=headers)
            )
        )

    async def buy(self) -> None:
        amount = self.random.randrange(1, 50)
        body = {"amount": amount, "credit_card": CREDIT_CARD}
        await self.try_once(
            self._attempt("purchase", lambda key: self._post("/v1/purchases", key, json=body), amount)
        )

    async def delete_model(self) -> None:
        """Delete a model of an earlier round; one of this round may still be the answer to a retry."""
        if self.old_models:
            path = f"/v1/models/{self.old_models.pop()}"
            await self._send(lambda: self.user.delete(path), {204, 404})

    async def delete_dataset(self) -> None:
        if self.old_datasets:
            path = f"/v1/datasets/{self.old_datasets.pop()}"
            await self._send(lambda: self.user.delete(path), {204, 404})

    async def sign_up(self) -> None:
        account = {"name": unused_name("drill"), "password": PASSWORD}
        await self.try_once(self._attempt("sign-up", lambda key: self._post("/v1/users", key, json=account)))

    async def read(self) -> None:
        path = self.random.choice(["/v1/me/wallet", "/v1/jobs", "/v1/datasets", "/v1/me/usage", "/trained"])
        await self._send(lambda: self.user.get(path), {200})

    async def try_once(self, attempt: Attempt) -> None:
        answer = await self._send(lambda: attempt.send(attempt.key), {200, 201, 202}, attempt)
        if answer is None:
            return
        self._check(attempt, answer)
        attempt.answer = attempt.answer or answer

    async def finish(self, attempt: Attempt, until: float) -> None:
        """Repeat the request until it is answered."""
        pause = FIRST_RETRY_SECONDS
        while attempt.answer is None:
            assert time.monotonic() < until, (
                f"{attempt.kind} {attempt.key} is not answered: {attempt.refusal}"
            )
            await self.try_once(attempt)
            if attempt.answer is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_RETRY_SECONDS)

    def _attempt(self, kind: str, send: Send, x: int = 0) -> Attempt:
        attempt = Attempt(kind, f"{kind}-{self.random.getrandbits(64):016x}", send, x)
        self.attempts.append(attempt)
        return attempt

    def _create_linear(self) -> Send:
        form = TrainingForm(csv=line_table(self.random.randrange(40, 44)))
        return lambda key: create(self.user, form, {"Idempotency-Key": key})

    async def _post(
        self, path: str, key: str, *, headers: dict[str, str] | None = None, **sent: Any
    ) -> httpx.Response:  # Any: httpx's request arguments
        return await self.user.post(path, headers={**(headers or {}), "Idempotency-Key": key}, **sent)

    async def _send(
        self, send: Callable[[], Awaitable[httpx.Response]], good: set[int], attempt: Attempt | None = None
    ) -> httpx.Response | None:
        """The answer if it is a good one; records one that no fault excuses."""
        try:
            answer = await send()
        except httpx.TransportError as error:
            refusal = type(error).__name__
        else:
            if answer.status_code in good:
                return answer
            request = answer.request
            refusal = f"{request.method} {request.url.path}: {answer.status_code} {answer.text}"
            if answer.status_code not in EXPECTED:
                self.wrong.append(refusal)
        if attempt is not None:
            attempt.refusal = refusal
        return None

    def _check(self, attempt: Attempt, answer: httpx.Response) -> None:
        if attempt.kind == "predict" and abs(answer.json()["prediction"] - (3 * attempt.x + 2)) > 1e-6:
            self.wrong.append(f"prediction of {attempt.x}: {answer.text}")
        if attempt.answer is not None and attempt.receipt != answer.headers.get("x-receipt-id"):
            self.wrong.append(f"replay of {attempt.key} has another receipt")

    async def _guard(self, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except TimeoutError:
            return
        except (KeyError, ValueError, json.JSONDecodeError) as error:
            self.wrong.append(f"{action.__name__}: {type(error).__name__} {error}")


@asynccontextmanager
async def working(workers: list[Worker], seconds_between: float) -> AsyncIterator[None]:
    """Let the users work for the duration of the block; requests in flight are finished, at most 30 s."""
    tasks = [asyncio.create_task(worker.work(seconds_between)) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
