"""Client of the cluster: progress after a restart, causes of death, and tasks that only workers unpickle."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvloop
from distributed import Client, Scheduler, Security
from tests.drill.network import Link
from tests.integration.ml.service import eventually
from tests.support.cluster import TestCluster
from tests.support.memory_hog import take_memory

from kit.background import background_tasks
from kit.certificates import AUTHORITY, CERTIFICATE, ensure_certificates
from kit.certificates import KEY as KEY_FILE
from local.ports import free_port
from ml_service.jobs.cluster import DaskCluster
from ml_service.jobs.worker_deaths import MemoryExceeded, WorkerDied
from ml_service.learning.cluster_settings import TlsSettings
from ml_service.learning.tasks import PROGRESS_TOPIC, as_document

KEY = "a-fit"
RESET_SECONDS = 1.0
RESET_ALL = """
import socket, struct, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    connection = server.accept()[0]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
"""


@pytest.fixture
async def first() -> AsyncIterator[Scheduler]:
    async with _scheduler(0) as scheduler:
        yield scheduler


def _scheduler(port: int, security: Security | None = None) -> Scheduler:
    # The dashboard cannot be disabled, so it gets a free port.
    return Scheduler(
        host="127.0.0.1", port=port, dashboard=False, dashboard_address="127.0.0.1:0", security=security
    )


async def assert_progress_arrives(cluster: DaskCluster, scheduler: Scheduler) -> None:
    received: list[str] = []

    async def arrives() -> bool:
        scheduler.log_event(PROGRESS_TOPIC, {"key": KEY, "stage": "fitting"})
        await asyncio.sleep(0.1)
        return bool(received)

    with cluster.listening(KEY, lambda stage, _percent: received.append(stage)):
        await eventually(arrives, 20)


async def test_progress_arrives_after_scheduler_restart(first: Scheduler) -> None:
    cluster = DaskCluster(first.address)
    async with background_tasks(cluster.stay_connected()):
        await assert_progress_arrives(cluster, first)
        await first.close()
        async with _scheduler(first.port) as second:
            await assert_progress_arrives(cluster, second)


def test_progress_arrives_after_handshakes_were_reset(tmp_path: Path) -> None:
    """On the services' event loop, which reports a reset before the handshake begins."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(reset_handshakes(tmp_path))


async def reset_handshakes(tmp_path: Path) -> None:
    """As behind a proxy whose scheduler is away: Dask's client does not try again after such a reset."""
    ensure_certificates(tmp_path)
    files = {"ca": AUTHORITY, "cert": CERTIFICATE, "key": KEY_FILE}
    settings = TlsSettings(**{f"dask_tls_{name}_file": tmp_path / file for name, file in files.items()})
    security = settings.security_for("tls://127.0.0.1:8786")
    async with _scheduler(0, security) as scheduler:
        port = free_port([scheduler.port])
        link = Link("the scheduler", port, [scheduler.port])
        cluster = DaskCluster(f"tls://127.0.0.1:{port}", security)
        async with background_tasks(cluster.stay_connected()):
            async with await link.start():
                await assert_progress_arrives(cluster, scheduler)
                link.cut()
            with resetting(port):
                await occupy_loop(RESET_SECONDS)
            link.mend()
            async with await link.start():
                await assert_progress_arrives(cluster, scheduler)


async def occupy_loop(seconds: float) -> None:
    """As many requests do: a reset has arrived before the next step of a connection begins."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)  # noqa: ASYNC251 - it has to block
        await asyncio.sleep(0)


@contextmanager
def resetting(port: int) -> Iterator[None]:
    """Accept connections, in a process of its own, and reset each at once."""
    process = subprocess.Popen([sys.executable, "-c", RESET_ALL, str(port)], stdout=subprocess.PIPE)  # noqa: S603
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        yield
    finally:
        process.kill()
        process.communicate()


async def test_scheduler_imports_no_code_of_the_tasks(cluster: TestCluster) -> None:
    """Dask's scheduler would import Arrow and the learning code to unpickle a task, and grow by 110 MB."""
    client = DaskCluster(cluster.address)
    async with background_tasks(client.stay_connected()):
        await eventually(client.slots, 20)
        answer = await client.submit("an-answer", as_document_of, {"rows": 3}).result()
    assert answer == {"result": {"key": "an-answer", "rows": 3}}
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as own:
        imported = await own.run_on_scheduler(lambda: set(sys.modules))
    assert not imported & {"ml_service.learning.tasks", "sklearn", "pandas", "pyarrow", "bokeh", "altair"}


async def test_memory_kill_is_distinguished_from_other_deaths(cluster: TestCluster) -> None:
    client = DaskCluster(cluster.address)
    async with background_tasks(client.stay_connected()):
        await eventually(client.slots, 20)
        with pytest.raises(MemoryExceeded):
            await client.submit("a-hog", take_memory).result()
        await eventually(client.slots, 20)
        with pytest.raises(WorkerDied) as caught:
            await client.submit("a-victim", die).result()
    assert caught.type is WorkerDied


async def test_memory_limit_of_workers_is_known(cluster: TestCluster) -> None:
    client = DaskCluster(cluster.address)
    async with background_tasks(client.stay_connected()):
        await eventually(client.slots, 20)
        assert client.known_memory == 700 * 1024 * 1024


def die(_key: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def as_document_of(key: str, members: dict[str, object]) -> dict[str, object]:
    return as_document(lambda: {"key": key, **members})
