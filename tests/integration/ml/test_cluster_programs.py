"""Programs of the Dask cluster: only holders of the certificate take part, and logs quote no cell."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from distributed import Client, Security, comm

from kit.certificates import AUTHORITY, CERTIFICATE, KEY, ensure_certificates
from local.ports import free_port
from ml_service.learning.cluster_settings import ClusterSettings

PROJECT = Path(__file__).parents[3]
START_SECONDS = 60
REFUSED_SECONDS = 5
CELL = "a cell of a table"


def certificates(folder: Path) -> dict[str, str]:
    ensure_certificates(folder)
    names = {"CA": AUTHORITY, "CERT": CERTIFICATE, "KEY": KEY}
    return {f"DASK_TLS_{name}_FILE": str(folder / file) for name, file in names.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """The settings of ml-service and the workers of this cluster."""
    return {"DASK_SCHEDULER_ADDRESS": f"tls://127.0.0.1:{free_port()}", **certificates(folder / "tls")}


@pytest.fixture(scope="module")
def cluster(folder: Path, environment: dict[str, str]) -> Iterator[list[psutil.Process]]:
    port = environment["DASK_SCHEDULER_ADDRESS"].rpartition(":")[2]
    programs = {
        "scheduler": ["ml_service.learning.scheduler", "--port", port],
        "workers": [
            *("ml_service.learning.workers", "--workers", "1"),
            *("--memory", "700MiB", "--folder", str(folder)),
        ],
    }
    # The workers import the functions of this file.
    variables = os.environ | environment | {"PYTHONPATH": str(PROJECT)}
    started: list[subprocess.Popen[bytes]] = []
    for name, module in programs.items():
        with (folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-P", "-m", *module]
            started.append(subprocess.Popen(command, env=variables, stdout=log, stderr=log))  # noqa: S603 - our own command
    try:
        with connect(environment, START_SECONDS) as client:
            client.wait_for_workers(1, timeout=START_SECONDS)
        parents = [psutil.Process(process.pid) for process in started]
        yield [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(timeout=30)


def connect(environment: dict[str, str], seconds: float) -> Client:
    settings = ClusterSettings.model_validate({name.lower(): value for name, value in environment.items()})
    return Client(
        settings.dask_scheduler_address,
        security=settings.cluster_security,
        timeout=seconds,
        set_as_default=False,
    )


@pytest.mark.usefixtures("cluster")
def test_holder_of_the_certificate_runs_functions(environment: dict[str, str]) -> None:
    with connect(environment, START_SECONDS) as client:
        assert client.submit(pow, 2, 5).result(timeout=START_SECONDS) == 32


@pytest.mark.usefixtures("cluster")
def test_client_without_a_certificate_is_refused(environment: dict[str, str]) -> None:
    address = environment["DASK_SCHEDULER_ADDRESS"]
    known = Security(require_encryption=True, tls_ca_file=environment["DASK_TLS_CA_FILE"])
    for unproven, security in ((address.replace("tls://", "tcp://"), None), (address, known)):
        with pytest.raises((OSError, TypeError, RuntimeError)):
            Client(unproven, security=security, timeout=REFUSED_SECONDS, set_as_default=False)


@pytest.mark.usefixtures("cluster")
def test_client_with_the_certificate_of_another_installation_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="certificate"):
        connect(environment | certificates(tmp_path), REFUSED_SECONDS)


@pytest.mark.usefixtures("cluster")
async def test_workers_and_nannies_refuse_peers_without_a_certificate(environment: dict[str, str]) -> None:
    """They listen as well, and run what they receive."""
    with connect(environment, START_SECONDS) as client:
        workers: dict[str, dict[str, str]] = client.scheduler_info()["workers"]
    addresses = [*workers, *(worker["nanny"] for worker in workers.values())]
    assert len(addresses) == 2
    for address in addresses:
        with pytest.raises(OSError, match=r"closed|reset|certificate|Timed out"):
            await comm.connect(address.replace("tls://", "tcp://"), timeout=REFUSED_SECONDS)


def test_programs_listen_on_loopback_only_and_serve_no_pages(cluster: list[psutil.Process]) -> None:
    listening = [
        connection.laddr
        for process in cluster
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5
    assert {address.ip for address in listening} == {"127.0.0.1"}
    for address in listening:
        for page in ("/health", "/metrics", "/info/main/workers.html", "/json/identity.json"):
            with contextlib.suppress(httpx.TransportError):
                assert httpx.get(f"http://127.0.0.1:{address.port}{page}").status_code == 404


@pytest.mark.parametrize(
    "program",
    [
        ["ml_service.learning.scheduler", "--host", "0.0.0.0"],  # noqa: S104 - it is refused
        ["ml_service.learning.workers", "--workers=1", "--memory=700MiB", "--folder=/tmp"],
    ],
)
def test_program_refuses_other_addresses_without_certificates(program: list[str]) -> None:
    completed = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", *program],
        env=os.environ | {"DASK_SCHEDULER_ADDRESS": "tcp://192.0.2.1:8786"},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert completed.returncode == 1
    assert "not on loopback: use tls:// and set DASK_TLS_CA_FILE" in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


@pytest.mark.usefixtures("cluster")
def test_logs_of_a_failed_task_quote_no_cell(environment: dict[str, str], folder: Path) -> None:
    with connect(environment, START_SECONDS) as client:
        failed = client.submit(convert, CELL)
        with pytest.raises(ValueError, match=CELL):
            failed.result(timeout=START_SECONDS)
        client.submit(forget_a_failure, CELL).result(timeout=START_SECONDS)
        logs = logs_with(folder, "Compute Failed", "UserWarning at", "Task exception was never retrieved")
    assert CELL not in logs


def logs_with(folder: Path, *events: str) -> str:
    """The logs of the programs, once they have these events."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        logs = "".join(path.read_text() for path in folder.glob("*.log"))
        if all(event in logs for event in events):
            return logs
        assert time.monotonic() < deadline, logs
        time.sleep(0.05)


def convert(cell: str) -> float:
    warnings.warn(f"Found an unknown category: {cell}", stacklevel=1)
    return float(cell)


def forget_a_failure(cell: str) -> None:
    async def forget() -> None:
        task = asyncio.create_task(asyncio.to_thread(float, cell))
        await asyncio.wait([task])

    asyncio.run(forget())
