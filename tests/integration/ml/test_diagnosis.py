"""Diagnosis of ml-service with a real database and store."""

import asyncio
import os
import shutil
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, Service, run_service
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer, service_bearer
from tests.support.unreliable_billing import UnreliableBilling

PATH = "/internal/diagnosis"
ORPHANS = 60

Found = dict[str, dict[str, str | None]]


async def found(service: Service) -> Found:
    answer = await service.client.get(PATH, headers=service_bearer("ml-service", caller="gateway"))
    assert answer.status_code == 200, answer.text
    return {finding["check"]: finding for finding in answer.json()["findings"]}


def all_files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("model")
async def test_store_with_a_dataset_and_a_model_is_ok(idle: Service) -> None:
    await idle.upload()
    before = all_files(idle.store)
    findings = await found(idle)
    for check in ("store owner", "store access", "store files", "refunds", "migrations", "database clock"):
        assert findings[check]["status"] == "ok", findings[check]
    assert "uploads: 2, artefacts: 1" in str(findings["store files"]["detail"])
    assert all_files(idle.store) == before


async def test_missing_upload_is_failed(idle: Service) -> None:
    await idle.upload()
    uploads = [path for path in (idle.store / "uploads").iterdir() if path.suffix != ".arrow"]
    uploads[0].unlink()
    files = (await found(idle))["store files"]
    assert (files["status"], uploads[0].name in str(files["detail"])) == ("failed", True)


@pytest.mark.usefixtures("model")
async def test_missing_artefact_is_failed(idle: Service) -> None:
    shutil.rmtree(idle.store / "artefacts" / "0-1")
    files = (await found(idle))["store files"]
    assert (files["status"], "artefacts/0-1" in str(files["detail"])) == ("failed", True)


async def test_missing_copy_of_a_table_is_ok(idle: Service) -> None:
    await idle.upload()
    for path in (idle.store / "uploads").glob("*.arrow"):
        path.unlink()
    assert (await found(idle))["store files"]["status"] == "ok"


async def test_old_files_without_a_row_are_a_warning_and_stay(idle: Service) -> None:
    uploads = idle.store / "uploads"
    uploads.mkdir(exist_ok=True)
    # So many that the sweeper leaves them, too.
    for number in range(ORPHANS):
        (uploads / f"file{number}").write_bytes(b"x")
    assert (await found(idle))["store files"]["status"] == "ok"
    # All at once, so that no sweep sees few of them.
    aside = uploads.rename(uploads.with_name("aside"))
    for path in aside.iterdir():
        os.utime(path, (0, 0))
    aside.rename(uploads)
    files = (await found(idle))["store files"]
    assert (files["status"], f"row: {ORPHANS}" in str(files["detail"])) == ("warning", True)
    assert len(idle.stored("uploads")) == ORPHANS


async def test_store_of_another_database_is_failed_and_not_written(
    idle: Service, empty_database: Database
) -> None:
    await asyncio.to_thread(empty_database.server.migrate, empty_database.name)
    before = all_files(idle.store)
    async with run_service(empty_database, idle.store, idle.billing, is_ready=False) as stranger:
        findings = await found(stranger)
    assert findings["store owner"]["status"] == "failed"
    assert "store access" not in findings
    assert all_files(idle.store) == before


async def test_absent_cluster_is_failed(idle: Service) -> None:
    assert (await found(idle))["cluster"]["status"] == "failed"


async def test_workers_of_the_cluster_are_counted(service: Service) -> None:
    cluster = (await found(service))["cluster"]
    assert (cluster["status"], "without TLS" in str(cluster["detail"])) == ("ok", True)


async def test_refund_that_waits_is_a_warning(
    database: Database, tmp_path: Path, sql: asyncpg.Connection
) -> None:
    unreachable = UnreliableBilling(faults={"refund": "down"})
    await sql.execute(
        "INSERT INTO ml.refunds (key, user_id, created_at) VALUES ('a', $1, now()), "
        "('b', $1, now() - interval '2 minutes')",
        ADA,
    )
    async with run_service(database, tmp_path, unreachable) as service:
        refunds = (await found(service))["refunds"]
    assert (refunds["status"], str(refunds["detail"])[-2:]) == ("warning", "1.")


async def test_diagnosis_is_for_services_only(idle: Service) -> None:
    assert_problem(await idle.client.get(PATH), 401)
    assert_problem(await idle.client.get(PATH, headers=bearer(ADA, role="admin")), 401)
