"""The cached lookup of models on two replicas: changes are seen at once or within a second."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.events import deliver, event
from tests.integration.ml.service import ADA, PENGUIN, Service, eventually, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

from ml_service.learning.training.results import TrainingResult

UNNOTICED_DELETION = "SET session_replication_role = replica; DELETE FROM ml.models"


@pytest.fixture
async def other(
    idle: Service, database: Database, tmp_path: Path, billing: MemoryBilling
) -> AsyncIterator[Service]:
    """A second replica of the service `idle`."""
    assert idle.store == tmp_path
    async with run_service(database, tmp_path, billing) as running:
        yield running


async def until_not_found(service: Service, model: str, seconds: float) -> None:
    async def is_gone() -> bool:
        return (await service.predict(model)).status_code == 404

    await eventually(is_gone, seconds)


async def until_cached(service: Service, model: str) -> None:
    async def is_cached() -> bool:
        assert (await service.predict(model)).status_code == 200
        return service.app.state.container.lookup.is_cached(ADA, model)

    await eventually(is_cached)


async def test_deleted_model_is_gone_at_once_and_on_other_replicas_within_a_second(
    idle: Service, other: Service, model: str
) -> None:
    for replica in (idle, other):
        await until_cached(replica, model)
    await idle.client.delete(f"/v1/models/{model}", headers=bearer(ADA))
    assert (await idle.predict(model)).status_code == 404
    await until_not_found(other, model, seconds=1)


async def test_found_model_needs_no_query(idle: Service, model: str, sql: asyncpg.Connection) -> None:
    await until_cached(idle, model)
    await sql.execute(UNNOTICED_DELETION)
    assert (await idle.predict(model)).status_code == 200


async def test_change_during_a_lost_connection_is_seen(
    idle: Service, model: str, sql: asyncpg.Connection
) -> None:
    await until_cached(idle, model)
    await sql.execute(UNNOTICED_DELETION)
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'ml_service'"
    )
    await until_not_found(idle, model, seconds=3)


async def test_models_of_a_deleted_user_are_gone_on_all_replicas(
    idle: Service, other: Service, model: str
) -> None:
    for replica in (idle, other):
        await until_cached(replica, model)
    await deliver(idle, event("user_deleted", user_id=ADA))
    for replica in (idle, other):
        await until_not_found(replica, model, seconds=5)


async def test_newest_model_of_a_type_changes_on_all_replicas(
    idle: Service,
    other: Service,
    model: str,
    sql: asyncpg.Connection,
    artefact: tuple[Path, TrainingResult],
) -> None:
    async def predict(replica: Service) -> str | None:
        answer = await replica.client.post("/predict/logistic", json=PENGUIN, headers=bearer(ADA))
        assert answer.status_code == 200, answer.text
        return list(replica.billing.entries.values())[-1].charge.resource

    for replica in (idle, other):
        assert await predict(replica) == model
    shutil.copytree(artefact[0], idle.store / "artefacts" / "0-2")
    await sql.execute(
        "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
        " SELECT user_id, '1_newer', model_type, '0-2', files, description, now() FROM ml.models"
    )
    for replica in (idle, other):

        async def is_newer(replica: Service = replica) -> bool:
            return await predict(replica) == "1_newer"

        await eventually(is_newer, seconds=1)
