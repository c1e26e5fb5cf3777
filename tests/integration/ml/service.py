"""A running ml-service, and common requests of its tests."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from tests.support.billing import NoRevocations
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET, bearer

from ml_service.main import create_app
from ml_service.settings import MlSettings

DATA = Path(__file__).parents[3] / "data"
NO_CLUSTER = "tcp://127.0.0.1:9"
ADA, BOB = 1, 2
# The uploaded file and its columnar copy.
FILES_OF_A_DATASET = 2
PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 46.1,
    "bill_depth_mm": 13.2,
    "flipper_length_mm": 211,
    "body_mass_g": 4500,
    "sex": "female",
    "year": 2008,
}

Json = dict[str, Any]  # Any: JSON of several shapes
Result = TypeVar("Result")


@dataclass
class Service:
    app: FastAPI
    client: httpx.AsyncClient
    billing: MemoryBilling
    store: Path
    database: Database

    async def upload(self, name: str = "penguins.csv", user: int = ADA) -> Json:
        return await self.upload_bytes((DATA / name).read_bytes(), user)

    async def upload_bytes(self, content: bytes, user: int = ADA) -> Json:
        answer = await self.client.post(
            "/v1/datasets", files={"file": ("table.csv", content)}, headers=bearer(user)
        )
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def request_training(
        self, user: int = ADA, key: str | None = None, **members: object
    ) -> httpx.Response:
        """POST /v1/models, by default with the penguins."""
        if "dataset_id" not in members:
            members["dataset_id"] = (await self.upload(user=user))["id"]
        request = {"type": "logistic", "label": "species"} | members
        headers = bearer(user) | ({"Idempotency-Key": key} if key else {})
        return await self.client.post("/v1/models", json=request, headers=headers)

    async def start(self, user: int = ADA, **members: object) -> Json:
        answer = await self.request_training(user, **members)
        assert answer.status_code == 202, answer.text
        return answer.json()

    async def job(self, job_id: int, user: int = ADA) -> Json:
        answer = await self.client.get(f"/v1/jobs/{job_id}", headers=bearer(user))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def ended(self, job: Json, user: int = ADA) -> Json:
        async def has_ended() -> Json | None:
            now = await self.job(job["id"], user)
            return now if now["ended_at"] is not None else None

        return await eventually(has_ended)

    async def reached(self, job: Json, stage: str, user: int = ADA) -> None:
        """Wait until the job is at this stage."""

        async def has_reached() -> bool:
            return (await self.job(job["id"], user))["stage"] == stage

        await eventually(has_reached)

    async def train(self, user: int = ADA, **members: object) -> Json:
        """Train a model; returns its job."""
        job = await self.ended(await self.start(user, **members), user)
        assert job["state"] == "succeeded", job
        return job

    async def predict(
        self, model: str, user: int = ADA, key: str | None = None, **body: object
    ) -> httpx.Response:
        headers = bearer(user) | ({"Idempotency-Key": key} if key else {})
        request = body or {"features": PENGUIN}
        return await self.client.post(f"/v1/models/{model}/predict", json=request, headers=headers)

    async def wait_until_stored(self, folder: str, count: int) -> None:
        """Wait for this number of files; deletions follow the answer."""

        async def has_count() -> bool:
            return len(self.stored(folder)) == count

        await eventually(has_count)

    def stored(self, folder: str) -> set[str]:
        path = self.store / folder
        return {file.name for file in path.iterdir()} if path.exists() else set()


def settings_of(database: Database, store: Path, **settings: object) -> MlSettings:
    values: dict[str, object] = {
        "jwt_secret": JWT_SECRET,
        "store_url": f"file://{store}",
        "trust_poll_seconds": 0.5,
        "dask_scheduler_address": NO_CLUSTER,
        "lease_seconds": 12,
        "sweep_seconds": 0.5,
    }
    return MlSettings(**(values | database.settings("ml") | settings))  # pyright: ignore[reportArgumentType] - pydantic converts


@contextlib.asynccontextmanager
async def run_service(
    database: Database, store: Path, billing: MemoryBilling, *, is_ready: bool = True, **settings: object
) -> AsyncGenerator[Service]:
    """A running service; `is_ready` waits until it is ready."""
    app = create_app(settings_of(database, store, **settings), billing, NoRevocations())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://ml", timeout=60) as client,
    ):
        service = Service(app, client, billing, store, database)
        if is_ready:
            await eventually(lambda: _is_ready(service))
        yield service


async def _is_ready(service: Service) -> bool:
    return (await service.client.get("/readyz")).status_code == 200


async def eventually(check: Callable[[], Awaitable[Result | None]], seconds: float = 120) -> Result:
    """Repeat the check until its result is true; returns the result."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := await check():
            return result
        await asyncio.sleep(0.02)
    raise AssertionError("The check did not become true in time.")
