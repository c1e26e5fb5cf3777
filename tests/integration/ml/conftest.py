"""Fixtures: ml-service with a real database, store and Dask cluster, and billing in memory."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.challenge import ClassRoom
from tests.integration.ml.service import ADA, BOB, DATA, PENGUIN, Service, run_service
from tests.support.cluster import TestCluster, cluster
from tests.support.kept_readers import kept_readers
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database

from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train
from ml_service.learning.training.results import TrainingResult

__all__ = ["cluster"]

GRANT = 100


@pytest.fixture
def billing() -> MemoryBilling:
    billing = MemoryBilling()
    for user in (ADA, BOB):
        billing.grant(user, GRANT)
    return billing


@pytest.fixture
async def idle(database: Database, tmp_path: Path, billing: MemoryBilling) -> AsyncIterator[Service]:
    """A service without a cluster: its jobs stay queued."""
    with kept_readers():
        async with run_service(database, tmp_path, billing) as running:
            yield running


@pytest.fixture
async def service(
    database: Database, tmp_path: Path, billing: MemoryBilling, cluster: TestCluster
) -> AsyncIterator[Service]:
    with kept_readers():
        async with run_service(
            database, tmp_path, billing, dask_scheduler_address=cluster.address
        ) as running:
            yield running


@pytest.fixture
async def room(service: Service, sql: asyncpg.Connection) -> ClassRoom:
    """A group that has challenges."""
    room = ClassRoom(service, sql)
    await room.open()
    return room


@pytest.fixture
async def quiet(idle: Service, sql: asyncpg.Connection) -> ClassRoom:
    """A group of a service without a cluster."""
    room = ClassRoom(idle, sql)
    await room.open()
    return room


@pytest.fixture(scope="session")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingResult]:
    """A model of the penguins, trained once for all tests of predictions."""
    folder = tmp_path_factory.mktemp("artefact") / "penguins"
    spec = TrainingSpec("logistic", tuple(PENGUIN), "species")
    return folder, train(DATA / "penguins.csv", spec, folder)


@pytest.fixture
async def model(idle: Service, artefact: tuple[Path, TrainingResult], sql: asyncpg.Connection) -> str:
    """The name of a model of Ada's, stored as by a training."""
    folder, result = artefact
    description = result.to_json()
    files = description.pop("files")
    await sql.execute(
        "INSERT INTO ml.models (user_id, name, model_type, artefact, files, description, ready_at)"
        " VALUES ($1, $2, 'logistic', '0-1', $3, $4, now())",
        ADA,
        "1_penguins",
        json.dumps(files),
        json.dumps(description),
    )
    # Copied after the insert: the sweeper deletes artefacts without a row.
    shutil.copytree(folder, idle.store / "artefacts" / "0-1")
    return "1_penguins"


@pytest.fixture
async def sql(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_dsn)
    yield connection
    await connection.close()
