"""One stack of real processes: messages of `up` and `down`, memory, and recovery of killed programs."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client
from tests.support.programs import running_pid, running_workers

from farebox import Farebox, MemoryTokenStore
from local.home import Home
from local.stack import RunningStack
from local.supervisor import Supervisor, processes_of

PROJECT = Path(__file__).parents[3]
START_SECONDS = 400


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with tempfile.TemporaryDirectory(prefix="farebox-") as folder:
        home = Home.at(Path(folder) / "home")
        # As a home of an earlier version.
        home.logs.mkdir(parents=True)
        try:
            up = local("up", home.root, BCRYPT_COST="4")
            assert up.returncode == 0, up.stdout
            yield home
        finally:
            local("down", home.root)


@pytest.fixture(scope="module")
def running(home: Home) -> RunningStack:
    running = RunningStack.load(home)
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


def test_idle_stack_occupies_less_than_900_megabytes(home: Home) -> None:
    """Proportional set size: a page that several processes share counts once. It is 750 MB.

    First in this file, before the stack has done any work.
    """
    supervisor = psutil.Process(Supervisor(home).pid())
    processes = [supervisor, *supervisor.children(recursive=True)]
    assert sum(proportional_size(process) for process in processes) < 900 * 10**6


def test_stack_listens_on_loopback_only(home: Home) -> None:
    listening = [
        (process.name(), connection.laddr.ip)
        for process in processes_of(home)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    # Gateway, services, pages and scheduler have a port each, and each worker and its nanny.
    assert len(listening) > 6
    assert {address for _, address in listening} == {"127.0.0.1"}, listening


def test_home_is_readable_by_its_owner_alone(home: Home) -> None:
    open_to_others = [
        path
        for path in (home.root, *home.root.rglob("*"))
        if path.lstat().st_mode & 0o077 and not (path.is_symlink() or path.is_socket())
    ]
    assert open_to_others == []


def test_folders_above_home_stay_closed(home: Home) -> None:
    assert stat.S_IMODE(home.root.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs PostgreSQL itself")
def test_postgres_of_root_runs_as_another_account(home: Home) -> None:
    postgres = psutil.Process(running_pid(Supervisor(home), "postgres"))
    assert postgres.username() == "nobody"


def test_scheduler_refuses_clients_without_the_certificate(running: RunningStack) -> None:
    with pytest.raises(OSError, match=r"closed|reset"):
        Client(f"tcp://127.0.0.1:{running.ports.scheduler}", timeout=5, set_as_default=False)


def test_second_up_prints_the_address_of_the_running_stack(running: RunningStack, home: Home) -> None:
    result = local("up", home.root)
    assert result.returncode == 0
    assert result.stdout.startswith(f"Farebox is already running: {running.ports.url('gateway')}")


def test_example_account_has_a_random_password_that_is_shown_once(running: RunningStack, home: Home) -> None:
    first, second = (local("demo-ui", home.root).stdout for _ in range(2))
    password = first.partition("Password: ")[2].splitlines()[0]
    with Farebox(running.ports.url("gateway"), store=MemoryTokenStore()) as client:
        client.log_in("pat@example.org", password)
        assert len(list(client.models.list())) == 3
    assert "Password: as shown when the account was created" in second
    assert password not in second


def test_configured_port_in_use_fails_with_one_line(running: RunningStack, tmp_path: Path) -> None:
    port = str(running.ports.gateway)
    result = local("up", tmp_path, GATEWAY_PORT=port)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f"GATEWAY_PORT {port} is in use; set another port, or unset it to get a free one."
    ]


def test_invalid_setting_fails_with_one_line(tmp_path: Path) -> None:
    result = local("up", tmp_path, ML_PORT="many")
    assert result.returncode == 1
    assert result.stderr.startswith("local: ML_PORT ")
    assert len(result.stderr.splitlines()) == 1


def test_down_without_a_running_stack_succeeds(tmp_path: Path) -> None:
    assert local("down", tmp_path / "nowhere").stdout == "Farebox was not running.\n"


@pytest.mark.parametrize(
    "name", ["gateway", "auth-service", "billing-service", "dask-scheduler", "dashboard"]
)
def test_program_shares_the_memory_of_its_packages(home: Home, name: str) -> None:
    process = psutil.Process(running_pid(Supervisor(home), name))
    assert proportional_size(process) < process.memory_info().rss * 0.6


def test_killed_worker_is_replaced_while_its_nanny_runs_on(home: Home) -> None:
    supervisor = Supervisor(home)
    nannies = running_pid(supervisor, "dask-workers")
    killed, *others = running_workers(supervisor, "dask-workers", 3)
    killed.kill()
    workers = running_workers(supervisor, "dask-workers", 3, without=killed.pid)
    assert set(others) < set(workers)
    assert running_pid(supervisor, "dask-workers") == nannies


@pytest.mark.parametrize("name", ["gateway", "billing-service", "dask-workers", "dask-scheduler", "postgres"])
def test_killed_program_is_restarted(home: Home, name: str) -> None:
    supervisor = Supervisor(home)
    killed = running_pid(supervisor, name)
    os.kill(killed, signal.SIGKILL)
    assert running_pid(supervisor, name, other_than=killed)


def test_second_start_needs_no_migration(home: Home) -> None:
    assert local("down", home.root).returncode == 0
    result = local("up", home.root, BCRYPT_COST="4")
    assert result.returncode == 0
    assert "Starting the services" in result.stdout
    assert "Migrating the database" not in result.stdout


def test_down_ends_all_processes_of_a_killed_supervisor(home: Home) -> None:
    processes = list(processes_of(home))
    os.kill(Supervisor(home).pid(), signal.SIGKILL)
    assert local("down", home.root).returncode == 0
    assert not [process for process in processes if process.is_running() and not is_zombie(process)]


def is_zombie(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE


def proportional_size(process: psutil.Process) -> int:
    return getattr(process.memory_full_info(), "pss")  # noqa: B009 - on Linux only, so its type lacks it
