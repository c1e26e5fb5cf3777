"""A killed or paused ml-service: its charge is answered once, or refunded by the next process."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request, Response
from tests.integration.ml.service import ADA, NO_CLUSTER, PENGUIN, Json, eventually
from tests.integration.ml.serving import serving
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET, bearer

from kit.identity import UserId
from local.ports import free_port
from ml_service.billing.port import Action, BillingRefusal, Charge, ChargeKey
from ml_service.learning.training.results import TrainingResult

URL = "/v1/models/1_penguins/predict"
BODY = {"features": PENGUIN}


@dataclass
class OtherServices:
    """Billing in memory and an auth-service without revocations, over HTTP."""

    billing: MemoryBilling
    url: str = ""
    after_charge: Callable[[], object] = bool
    refuses_refunds: bool = False

    async def operate(self, operation: Json) -> Json:
        user_id = UserId(operation["user_id"])
        if operation["operation"] == "refund":
            if self.refuses_refunds:
                return {"status": 500, "problem": {"status": 500, "code": "internal_error", "detail": ""}}
            if "hold" in operation:
                await self.billing.refund_hold(ChargeKey(operation["hold"]), user_id)
            else:
                await self.billing.refund(ChargeKey(operation["charge"]), user_id)
            return {"status": 200, "tokens": 5, "available": self.billing.balance(user_id)}
        action = cast("Action", operation["action"])
        try:
            receipt = await self.billing.charge(Charge(ChargeKey(operation["key"]), user_id, action))
        except BillingRefusal as refusal:
            problem = {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}
            return {"status": refusal.status, "problem": problem}
        self.after_charge()
        result = {"receipt_id": receipt.id, "tokens": receipt.tokens, "available": receipt.available}
        return {"status": 200, "replayed": False, **result}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/internal/trust")
        async def trust() -> Json:
            return {"cursor": 0}

        @app.post("/internal/operations")
        async def operations(request: Request) -> Json:
            body = await request.json()
            return {"results": [await self.operate(each) for each in body["operations"]]}

        @app.get("/v1/prices")
        async def prices() -> Response:
            return Response(status_code=503)

        return app


@pytest.fixture
async def others() -> AsyncIterator[OtherServices]:
    others = OtherServices(MemoryBilling())
    others.billing.grant(ADA, 100)
    async with serving(others.app()) as url:
        others.url = url
        yield others


@pytest.fixture
async def store(tmp_path: Path, artefact: tuple[Path, TrainingResult], sql: asyncpg.Connection) -> Path:
    """A store with one model of Ada's."""
    await add_model(sql, tmp_path, artefact[0], artefact[1].to_json())
    # Its sweeper runs only in a store that is known to be its own.
    (tmp_path / "owner").write_text((await sql.fetchval("SELECT owner FROM ml.store_owner")).hex)
    return tmp_path


async def add_model(sql: asyncpg.Connection, store: Path, folder: Path, description: Json) -> None:
    shutil.copytree(folder, store / "artefacts" / "0-1")
    await sql.execute(
        "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
        " VALUES ($1, '1_penguins', 'logistic', '0-1', $2, $3, now())",
        ADA,
        json.dumps(description.pop("files")),
        json.dumps(description),
    )


@dataclass
class Running:
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def predict(self, key: str) -> httpx.Response:
        return await self.client.post(URL, json=BODY, headers=bearer(ADA) | {"Idempotency-Key": key})


@contextlib.asynccontextmanager
async def running(database: Database, store: Path, others: OtherServices) -> AsyncGenerator[Running]:
    port = free_port()
    variables: dict[str, Any] = {
        **database.settings("ml"),
        "port": port,
        "jwt_secret": JWT_SECRET,
        "store_url": f"file://{store}",
        "dask_scheduler_address": NO_CLUSTER,
        "billing_url": others.url,
        "auth_url": others.url,
        "sweep_seconds": 0.5,
    }
    environment = os.environ | {name.upper(): str(value) for name, value in variables.items()}
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ml_service"), env=environment, stdout=quiet, stderr=quiet
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:

            async def trusts_tokens() -> bool:
                assert process.returncode is None
                try:
                    return (await client.get("/v1/jobs", headers=bearer(ADA))).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(trusts_tokens, seconds=60)
            yield Running(process, client)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def die_after_charge(database: Database, store: Path, others: OtherServices) -> None:
    """Charge a prediction under the key `killed`, and kill its process before it answers."""
    async with running(database, store, others) as service:
        others.after_charge = service.kill
        with pytest.raises(httpx.TransportError):
            await service.predict("killed")
    others.after_charge = bool
    assert others.billing.balance(ADA) == 95


async def test_retry_after_a_kill_between_charge_and_answer_is_charged_once(
    database: Database, store: Path, others: OtherServices, sql: asyncpg.Connection
) -> None:
    await die_after_charge(database, store, others)
    # Instead of waiting until the claim of the dead process ends.
    await sql.execute("UPDATE ml.idempotency_keys SET lease_until = now()")
    async with running(database, store, others) as service:
        answers = [await service.predict("killed") for _ in range(2)]
    assert [answer.json()["prediction"] for answer in answers] == ["Gentoo", "Gentoo"]
    assert others.billing.balance(ADA) == 95


async def test_charge_that_is_never_answered_is_refunded_when_its_claim_expires(
    database: Database, store: Path, others: OtherServices, sql: asyncpg.Connection
) -> None:
    await die_after_charge(database, store, others)
    await sql.execute(
        "UPDATE ml.idempotency_keys SET lease_until = now(), created_at = now() - interval '2 days'"
    )
    async with running(database, store, others) as service:
        await eventually(lambda: are_refunds_sent(sql))
        assert others.billing.balance(ADA) == 100
        late = await service.predict("killed")
        assert (late.status_code, late.json()["code"]) == (409, "idempotency_key_expired")
    assert others.billing.balance(ADA) == 100


async def test_process_that_wakes_after_its_twin_has_answered_changes_nothing(
    database: Database, store: Path, others: OtherServices, sql: asyncpg.Connection
) -> None:
    async with running(database, store, others) as paused, running(database, store, others) as twin:
        others.after_charge = paused.pause
        first = asyncio.create_task(paused.predict("paused"))
        await eventually(lambda: has_charged(others))
        others.after_charge = bool
        # Instead of waiting until the claim of the paused process ends.
        await sql.execute("UPDATE ml.idempotency_keys SET lease_until = now() - interval '1 second'")
        answer = await twin.predict("paused")
        assert answer.json()["prediction"] == "Gentoo"
        paused.wake()
        late = await first
        assert (late.status_code, late.json()["code"]) == (409, "idempotency_twin_running")
        await eventually(lambda: are_refunds_sent(sql))
        replayed = await paused.predict("paused")
    assert replayed.content == answer.content
    assert [each.state for each in others.billing.entries.values()] == ["charged"]
    assert others.billing.balance(ADA) == 95


async def has_charged(others: OtherServices) -> bool:
    return others.billing.balance(ADA) == 95


async def are_refunds_sent(sql: asyncpg.Connection) -> bool:
    return await sql.fetchval(
        "SELECT NOT EXISTS (SELECT FROM ml.refunds)"
        " AND NOT EXISTS (SELECT FROM ml.idempotency_keys WHERE answer IS NULL AND NOT expired)"
    )


async def test_refund_of_a_killed_process_is_sent_once_billing_answers(
    database: Database,
    tmp_path: Path,
    artefact: tuple[Path, TrainingResult],
    others: OtherServices,
    sql: asyncpg.Connection,
) -> None:
    folder, description = spoilt(artefact, tmp_path)
    await add_model(sql, tmp_path / "store", folder, description)
    others.refuses_refunds = True
    async with running(database, tmp_path / "store", others) as service:
        assert (await service.predict("failed")).status_code == 500
        service.kill()
    assert others.billing.balance(ADA) == 95
    others.refuses_refunds = False
    async with running(database, tmp_path / "store", others):

        async def is_refunded() -> bool:
            return await sql.fetchval("SELECT count(*) FROM ml.refunds") == 0

        await eventually(is_refunded)
    assert others.billing.balance(ADA) == 100


def spoilt(artefact: tuple[Path, TrainingResult], tmp_path: Path) -> tuple[Path, Json]:
    """The artefact with too few classes, so that its scoring fails."""
    folder, description = tmp_path / "spoilt", artefact[1].to_json()
    shutil.copytree(artefact[0], folder)
    document = json.loads((folder / "model.json").read_text())
    document["classes"] = document["classes"][:1]
    (folder / "model.json").write_text(json.dumps(document))
    digest = sha256((folder / "model.json").read_bytes()).hexdigest()
    description["files"] = {**description["files"], "model.json": digest}
    return folder, description
