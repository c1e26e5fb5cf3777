"""A Dask cluster for tests: a scheduler and three single-thread workers with nannies, as processes.

One of them is reserved for short jobs.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from distributed import Client

START_SECONDS = 120
MEMORY = "700MiB"
LOOPBACK = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
WORKERS_COUNT = 3
SCHEDULER = ["-m", "distributed.cli.dask_scheduler", *LOOPBACK]
WORKERS = ["-m", "distributed.cli.dask_worker", *LOOPBACK]
# The import of the libraries of a fit takes seconds; with the preload the first job is fast, too.
SIZE = [
    "--nworkers",
    str(WORKERS_COUNT),
    "--nthreads",
    "1",
    "--memory-limit",
    MEMORY,
    "--preload",
    "ml_service.learning.preload",
]
SETTINGS = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}


@dataclass(frozen=True)
class TestCluster:
    """The address of the scheduler, and the process of the nannies."""

    __test__ = False

    address: str
    nannies: "subprocess.Popen[bytes]"

    def workers(self) -> list[psutil.Process]:
        """The worker processes, which run fits."""
        children = psutil.Process(self.nannies.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


@pytest.fixture(scope="session")
def cluster() -> Iterator[TestCluster]:
    with running_cluster() as running:
        yield running


@contextmanager
def running_cluster(**settings: str) -> Iterator[TestCluster]:
    with tempfile.TemporaryDirectory(prefix="farebox-dask-", ignore_cleanup_errors=True) as folder:
        scheduler_file = Path(folder) / "scheduler.json"
        scheduler = _start(
            SCHEDULER, ["--port", "0", "--scheduler-file", str(scheduler_file)], folder, settings
        )
        options = ["--scheduler-file", str(scheduler_file), *SIZE, "--local-directory", folder]
        nannies = _start(WORKERS, options, folder, settings)
        try:
            address = _wait_for_address(scheduler_file)
            with Client(address, timeout=START_SECONDS, set_as_default=False) as client:
                client.wait_for_workers(WORKERS_COUNT, timeout=START_SECONDS)
            yield TestCluster(address, nannies)
        finally:
            for process in (nannies, scheduler):
                _end(process)


def _start(
    program: list[str], options: list[str], folder: str, settings: dict[str, str]
) -> "subprocess.Popen[bytes]":
    with (Path(folder) / "log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, *program, *options], env=os.environ | SETTINGS | settings, stdout=log, stderr=log
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=10)


def _wait_for_address(scheduler_file: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            return str(json.loads(scheduler_file.read_text())["address"])
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.05)
    raise AssertionError("The Dask scheduler did not start.")
