"""Clients that disconnect in the middle of paid work: it ends, and costs nothing."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest
from tests.integration.ml.service import ADA, PENGUIN, eventually, settings_of
from tests.integration.ml.serving import serving
from tests.integration.ml.test_batches import table
from tests.support.billing import NoRevocations
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from ml_service.learning.training.results import TrainingResult
from ml_service.main import create_app

ROWS = orjson.dumps({"rows": [PENGUIN] * 9000})


@pytest.fixture
async def url(
    database: Database,
    tmp_path: Path,
    billing: MemoryBilling,
    artefact: tuple[Path, TrainingResult],
    sql: asyncpg.Connection,
) -> AsyncIterator[str]:
    """A service on a socket, with a model of Ada's."""
    app = create_app(settings_of(database, tmp_path), billing, NoRevocations())
    async with serving(app) as address, httpx.AsyncClient(base_url=address) as client:

        async def is_ready() -> bool:
            return (await client.get("/v1/models", headers=bearer(ADA))).status_code == 200

        await eventually(is_ready)
        folder, result = artefact
        description = result.to_json()
        await sql.execute(
            "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
            " VALUES ($1, '1_penguins', 'logistic', '0-1', $2, $3, now())",
            *(ADA, json.dumps(description.pop("files")), json.dumps(description)),
        )
        shutil.copytree(folder, tmp_path / "artefacts" / "0-1")
        yield address


@contextlib.asynccontextmanager
async def sending(url: str, path: str, body: bytes, media_type: str) -> AsyncGenerator[None]:
    """Send a request, and disconnect after the block without reading the answer."""
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    headers = bearer(ADA) | {"Content-Type": media_type, "Content-Length": str(len(body))}
    lines = [f"POST {path} HTTP/1.1", "Host: ml", *(f"{name}: {value}" for name, value in headers.items())]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        yield
    finally:
        writer.close()
        await writer.wait_closed()


async def was_called(billing: MemoryBilling, operation: str) -> None:
    async def is_recorded() -> bool:
        return operation in billing.calls

    await eventually(is_recorded, 30)


async def test_prediction_of_a_client_that_left_is_refunded(url: str, billing: MemoryBilling) -> None:
    async with sending(url, "/v1/models/1_penguins/predict", ROWS, "application/json"):
        await was_called(billing, "charge")
        assert billing.balance(ADA) == 55
    await was_called(billing, "refund")
    assert billing.balance(ADA) == 100


async def test_batch_of_a_client_that_left_is_released(
    url: str, billing: MemoryBilling, tmp_path: Path
) -> None:
    async with sending(url, "/v1/models/1_penguins/batch", table(20_000), "text/csv"):
        await was_called(billing, "hold")
        assert billing.held(ADA) == 100
    await was_called(billing, "refund_hold")
    assert (billing.balance(ADA), billing.held(ADA)) == (100, 0)

    async def is_clean() -> bool:
        return not [*(tmp_path / "uploads").glob("*"), *(tmp_path / "results").glob("*")]

    await eventually(is_clean, 10)
