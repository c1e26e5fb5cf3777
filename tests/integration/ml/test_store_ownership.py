"""The store belongs to one database: another database's stack neither starts on it nor deletes from it."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest
from tests.integration.ml.service import ADA, Service, eventually, run_service
from tests.support.memory_billing import MemoryBilling
from tests.support.postgres import Database
from tests.support.tokens import bearer

OLD = (0, 0)
ORPHANS = 60


@pytest.fixture
async def stranger(empty_database: Database) -> Database:
    """Another database, with an id of its own; all other test databases are copies of one."""
    await asyncio.to_thread(empty_database.server.migrate, empty_database.name)
    return empty_database


def all_files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*")}


def make_old(store: Path) -> None:
    for path in store.rglob("*"):
        os.utime(path, OLD)


def put_old_files(folder: Path) -> None:
    """Put the files there at once, so that no sweep sees few of them."""
    aside = folder.with_name("aside")
    aside.mkdir()
    for number in range(ORPHANS):
        (aside / f"orphan{number}").write_bytes(b"x")
    make_old(aside)
    aside.replace(folder)


@pytest.mark.usefixtures("model")
async def test_second_stack_on_the_store_is_not_ready_and_deletes_nothing(
    idle: Service, stranger: Database, tmp_path: Path
) -> None:
    await idle.upload()
    make_old(tmp_path)
    before = all_files(tmp_path)
    async with run_service(stranger, tmp_path, idle.billing, orphan_minutes=0, is_ready=False) as second:
        container = second.app.state.container

        async def is_refused() -> bool:
            answer = await second.client.get("/readyz")
            return answer.status_code == 503 and "belongs to another database" in answer.json()["detail"]

        await eventually(is_refused)
        with pytest.raises(Exception, match="belongs to another database"):
            await container.sweeper.sweep()
        answer = await second.client.post(
            "/v1/datasets", content=b"a,b\n1,2\n", headers=bearer(ADA) | {"Content-Type": "text/csv"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "store_not_ours")
    assert all_files(tmp_path) == before


async def test_empty_store_is_adopted_and_kept(idle: Service, stranger: Database, tmp_path: Path) -> None:
    owner = (tmp_path / "owner").read_text()
    async with run_service(idle.database, tmp_path, idle.billing):
        assert (tmp_path / "owner").read_text() == owner
    async with run_service(stranger, tmp_path / "other", idle.billing):
        assert (tmp_path / "other" / "owner").read_text() != owner


async def test_store_of_the_previous_release_is_adopted_by_the_database_of_its_files(
    idle: Service, tmp_path: Path
) -> None:
    await idle.upload()
    (tmp_path / "owner").unlink()
    async with run_service(idle.database, tmp_path, idle.billing):
        assert (tmp_path / "owner").exists()


@pytest.mark.usefixtures("model")
async def test_artefacts_of_the_previous_release_are_recognised_by_name_and_size(
    idle: Service, stranger: Database, sql: asyncpg.Connection, tmp_path: Path
) -> None:
    (tmp_path / "owner").unlink()
    async with run_service(stranger, tmp_path, idle.billing, is_ready=False) as second:
        with pytest.raises(Exception, match="belongs to another database"):
            await second.app.state.container.ownership.verify()
    size = sum(file.stat().st_size for file in (tmp_path / "artefacts" / "0-1").iterdir())
    await sql.execute("UPDATE ml.models SET size_bytes = $1", size)
    async with run_service(idle.database, tmp_path, idle.billing):
        assert (tmp_path / "owner").exists()


@pytest.mark.usefixtures("model")
async def test_sweeper_stops_when_the_store_is_exchanged(idle: Service, tmp_path: Path) -> None:
    (tmp_path / "owner").write_text("0" * 32)
    orphan = tmp_path / "artefacts" / "9-1"
    orphan.mkdir()
    make_old(tmp_path)
    with pytest.raises(Exception, match="belongs to another database"):
        await idle.app.state.container.sweeper.sweep()
    assert orphan.exists()
    assert (await idle.client.get("/readyz")).status_code == 503


async def test_artefact_without_a_model_is_swept_once_it_is_old(idle: Service, tmp_path: Path) -> None:
    sweeper = idle.app.state.container.sweeper
    young, old = (tmp_path / "artefacts" / name for name in ("8-1", "9-1"))
    for artefact in (young, old):
        artefact.mkdir(parents=True)
    os.utime(old, OLD)
    await sweeper.sweep()
    assert (young.exists(), old.exists()) == (True, False)


@pytest.mark.parametrize("folder", ["uploads", "artefacts"])
async def test_sweep_of_most_files_is_refused(idle: Service, tmp_path: Path, folder: str) -> None:
    put_old_files(tmp_path / folder)
    await idle.app.state.container.sweeper.sweep()
    assert len(idle.stored(folder)) == ORPHANS
    metrics = (await idle.client.get("/metrics")).text
    assert f'farebox_unswept_files{{folder="{folder}"}} {ORPHANS}.0' in metrics


async def test_sweep_of_most_files_is_allowed_by_the_setting(
    database: Database, billing: MemoryBilling, tmp_path: Path
) -> None:
    async with run_service(database, tmp_path, billing, orphan_share=1) as service:
        put_old_files(tmp_path / "uploads")
        await service.app.state.container.sweeper.sweep()
        assert service.stored("uploads") == set()


async def test_file_that_cannot_be_deleted_keeps_no_other_one(idle: Service, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "a").symlink_to(tmp_path)
    (results / "b").write_bytes(b"x")
    for name in ("a", "b"):
        os.utime(results / name, OLD, follow_symlinks=False)
    await idle.app.state.container.sweeper.sweep()
    assert idle.stored("results") == set()
    assert all_files(tmp_path) >= {"owner", "results"}
