"""One stack of real processes: what a second `up` says, and what happens when something is killed."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.support.programs import running_pid

from local.home import Home
from local.leftovers import processes_of
from local.state import Running
from local.supervisor import Supervisor

PROJECT = Path(__file__).parents[3]


START_SECONDS = 400


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
        home = Home.at(Path(folder))
        try:
            up = local("up", home.root, BCRYPT_COST="4")
            assert up.returncode == 0, up.stdout
            yield home
        finally:
            local("down", home.root)


@pytest.fixture(scope="module")
def running(home: Home) -> Running:
    running = Running.load(home)
    assert running is not None
    return running


def local(command: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"FAREBOX_HOME": str(home)} | settings
    arguments = [sys.executable, "-m", "local", command]
    return subprocess.run(  # noqa: S603 - our own command
        arguments,
        cwd=PROJECT,
        env=environment,
        timeout=START_SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_second_up_says_in_one_line_that_it_is_up_and_where(running: Running, home: Home) -> None:
    said = local("up", home.root)
    assert said.returncode == 0
    assert said.stdout.startswith(f"Farebox is up already: {running.ports.url('gateway')}")


def test_a_taken_port_is_one_line_with_its_settings_name(running: Running, tmp_path: Path) -> None:
    port = str(running.ports.gateway)
    said = local("up", tmp_path, GATEWAY_PORT=port)
    assert said.returncode == 1
    assert said.stdout.splitlines() == [
        f"GATEWAY_PORT {port} is taken; name another one, or none to get a free one."
    ]


def test_a_setting_that_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    said = local("up", tmp_path, ML_PORT="many")
    assert said.returncode == 1
    assert said.stderr.startswith("local: ML_PORT ")
    assert len(said.stderr.splitlines()) == 1


def test_down_where_nothing_is_up_says_so(tmp_path: Path) -> None:
    assert local("down", tmp_path / "nowhere").stdout == "Nothing was up.\n"


@pytest.mark.parametrize(
    "name", ["gateway", "billing-service", "dask-worker-1", "dask-scheduler", "postgres"]
)
def test_a_killed_program_is_started_again(home: Home, name: str) -> None:
    supervisor = Supervisor(home)
    killed = running_pid(supervisor, name)
    os.kill(killed, signal.SIGKILL)
    assert running_pid(supervisor, name, other_than=killed)


def test_nothing_outlives_a_killed_supervisor_and_a_down(home: Home) -> None:
    processes = list(processes_of(home))
    os.kill(Supervisor(home).pid(), signal.SIGKILL)
    assert local("down", home.root).returncode == 0
    assert not [process for process in processes if process.is_running() and not is_zombie(process)]


def is_zombie(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE
