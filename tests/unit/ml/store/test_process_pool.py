"""Process pool: results, errors, killed and idle processes."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.support.hostile.parquet import parquet_bomb

from kit.deadlines import start_deadline
from kit.disconnects import connection
from kit.errors import ClientLeft, DeadlinePassed
from kit.identity import UserId
from ml_service.datasets.inspection import inspect_file
from ml_service.learning.predictors.errors import FeatureError
from ml_service.learning.tables import read_table
from ml_service.store import process_pool
from ml_service.store.errors import ReaderDied, ReaderTimedOut
from ml_service.store.process_pool import IdleProcesses, ProcessPool

pytestmark = pytest.mark.slow

ADA, BOB = UserId(1), UserId(2)


def refuse(feature: str) -> None:
    raise FeatureError(feature, 3, "It must be a number.")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - no event reports the end of another process
            await asyncio.sleep(0.01)


def wait_forever(started: Path) -> None:
    started.write_text(str(os.getpid()))
    threading.Event().wait()


def print_and_return(number: int) -> int:
    print("A line on standard output.")  # noqa: T201 - the subject of a test
    return number


def raise_unpicklable() -> None:
    raise ValueError(threading.Lock())


def imported_modules() -> set[str]:
    return set(sys.modules)


async def test_work_runs_in_another_process() -> None:
    assert await ProcessPool(1).run(os.getpid, user=ADA) != os.getpid()


async def test_error_keeps_detail_and_members_across_processes() -> None:
    with pytest.raises(FeatureError) as refused:
        await ProcessPool(1).run(refuse, "bmi", user=ADA)
    assert refused.value.detail == "Row 3, 'bmi': It must be a number."
    assert refused.value.members == {"feature": "bmi", "row": 3}


async def test_killed_process_raises_reader_died() -> None:
    with pytest.raises(ReaderDied):
        await ProcessPool(1).run(die, user=ADA)


async def test_file_that_unpacks_to_more_than_the_limit_ends_its_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.parquet"
    bomb.write_bytes(parquet_bomb(mebibytes=1024))
    assert bomb.stat().st_size < 3_000_000
    monkeypatch.setattr(process_pool, "COMMAND", [*process_pool.COMMAND[:-1], str(512 * 1024**2)])
    pool = ProcessPool(1)
    pid = await pool.run(os.getpid, user=ADA)
    with pytest.raises(ReaderDied):
        await pool.run(read_table, bomb, user=ADA)
    assert await pool.run(os.getpid, user=ADA) != pid


async def test_process_is_reused_while_it_is_not_idle_for_long() -> None:
    pool = ProcessPool(2)
    assert await pool.run(os.getpid, user=ADA) == await pool.run(os.getpid, user=ADA)


async def test_pools_can_share_an_idle_process() -> None:
    idle = IdleProcesses()
    assert await ProcessPool(1, idle).run(os.getpid, user=ADA) == await ProcessPool(1, idle).run(
        os.getpid, user=ADA
    )


async def test_idle_process_ends() -> None:
    pool = ProcessPool(1, IdleProcesses(seconds=0.0))
    pid = await pool.run(os.getpid, user=ADA)
    await eventually(lambda: not psutil.pid_exists(pid))


async def test_idle_process_ends_at_shutdown() -> None:
    idle = IdleProcesses()
    loop = asyncio.create_task(idle.run())
    pid = await ProcessPool(1, idle).run(os.getpid, user=ADA)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    await eventually(lambda: not psutil.pid_exists(pid))


async def test_cancellation_kills_the_process(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    running = asyncio.create_task(ProcessPool(1).run(wait_forever, started, user=ADA))
    await eventually(lambda: started.exists() and started.read_text() != "")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: not psutil.pid_exists(int(started.read_text())))


async def test_output_of_a_call_does_not_disturb_its_result() -> None:
    assert await ProcessPool(1).run(print_and_return, 5, user=ADA) == 5


async def test_error_that_cannot_be_pickled_is_raised_all_the_same() -> None:
    with pytest.raises(Exception, match="pickle"):
        await ProcessPool(1).run(raise_unpicklable, user=ADA)


async def test_reader_of_tables_imports_neither_services_nor_scikit_learn() -> None:
    pool = ProcessPool(1)
    await pool.run(getattr, inspect_file, "__name__", user=ADA)
    imported = await pool.run(imported_modules, user=ADA)
    assert "pyarrow" in imported
    assert not imported & {"sklearn", "pandas", "fastapi", "sqlalchemy", "distributed"}


async def test_time_limit_kills_the_process_and_frees_its_slot(tmp_path: Path) -> None:
    pool = ProcessPool(1)
    pid = await pool.run(os.getpid, user=ADA)
    with pytest.raises(ReaderTimedOut):
        await pool.run(wait_forever, tmp_path / "pid", user=ADA, seconds=0.2)
    await eventually(lambda: not psutil.pid_exists(pid))
    assert await pool.run(len, "three", user=BOB) == 5


async def test_disconnected_client_kills_the_process(tmp_path: Path) -> None:
    left, started = asyncio.Event(), tmp_path / "pid"

    async def receive() -> dict[str, str]:
        await left.wait()
        return {"type": "http.disconnect"}

    connection.set(receive)
    running = asyncio.create_task(ProcessPool(1).run(wait_forever, started, user=ADA))
    await eventually(lambda: started.exists() and started.read_text() != "")
    left.set()
    with pytest.raises(ClientLeft):
        await running
    await eventually(lambda: not psutil.pid_exists(int(started.read_text())))


async def test_deadline_of_the_request_ends_a_wait_for_a_slot(tmp_path: Path) -> None:
    pool, started = ProcessPool(1), tmp_path / "pid"
    running = asyncio.create_task(pool.run(wait_forever, started, user=ADA))
    await eventually(started.exists)
    start_deadline(b"50")
    with pytest.raises(DeadlinePassed):
        await pool.run(os.getpid, user=BOB)
    running.cancel()
    await asyncio.wait([running])
