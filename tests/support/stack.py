"""A complete stack: started for the tests, or an existing one at FAREBOX_E2E_URL."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from local.ports import free_port

PROJECT = Path(__file__).parents[2]
ADMIN_NAME = "admin@example.org"
COMPLAINTS = ('"level":"warning"', '"level":"error"', '"level":"critical"')
LAST_COMPLAINTS = 30
START_SECONDS = 180  # enough for a busy machine
STOP_SECONDS = 60
# Each stack has its own ports, since another stack may use the default ones.
PORTS = ("GATEWAY_PORT", "AUTH_PORT", "BILLING_PORT", "ML_PORT", "SCHEDULER_PORT", "DASHBOARD_PORT")
# Settings for quick tests without rate limits; everything else is as in `make up`.
FOR_TESTS = {
    "FAREBOX_RATE_LIMITS": "off",
    "MAX_REQUESTS_IN_FLIGHT": "1000",
    "MAX_OPEN_STREAMS": "100",
    "BCRYPT_COST": "4",
    "START_SECONDS": str(START_SECONDS),
}


@dataclass(frozen=True)
class Stack:
    """Addresses, administrator and secrets of a stack; `home` is None for an external one."""

    url: str
    admin_name: str
    admin_password: str
    jwt_secret: str
    service_secret: str
    dashboard_url: str = "http://127.0.0.1:8501"
    home: Path | None = None

    def log_sizes(self) -> dict[Path, int]:
        """The current size of each log; empty for an external stack."""
        files = self.home.glob("logs/**/*.log") if self.home else []
        return {file: file.stat().st_size for file in files}

    def logged_since(self, sizes: dict[Path, int]) -> str:
        """The log lines after these sizes."""
        return "\n".join(_read_from(file, sizes.get(file, 0)) for file in self.log_sizes())

    def complaints(self, since: datetime) -> str:
        """The last warnings and errors since then, in chronological order."""
        logs = self.home.glob("logs/*/server.log") if self.home else []
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        complaints = [line for line in lines if any(complaint in line for complaint in COMPLAINTS)]
        recent = [line for line in complaints if _time_of(line) >= since.isoformat()]
        return "\n".join(sorted(recent, key=_time_of)[-LAST_COMPLAINTS:])


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """One stack for all tests of the session."""
    if "FAREBOX_E2E_URL" in os.environ:
        yield _named_stack(os.environ)
        return
    with running_stack() as started:
        yield started


@contextmanager
def running_stack(folder: Path | None = None, **settings: str) -> Iterator[Stack]:
    """A stack with its own home, in this folder if it is given, and ports, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="farebox-", dir=folder, ignore_cleanup_errors=True) as home:
        ports = free_ports(PORTS)
        new_stack = Stack(
            f"http://127.0.0.1:{ports['GATEWAY_PORT']}",
            ADMIN_NAME,
            admin_password=secrets.token_hex(12),
            jwt_secret=secrets.token_hex(32),
            service_secret=secrets.token_hex(32),
            dashboard_url=f"http://127.0.0.1:{ports['DASHBOARD_PORT']}",
            home=Path(home),
        )
        own_settings = {
            "FAREBOX_HOME": home,
            "ADMIN_EMAIL": new_stack.admin_name,
            "ADMIN_PASSWORD": new_stack.admin_password,
            "JWT_SECRET": new_stack.jwt_secret,
            "SERVICE_SECRET": new_stack.service_secret,
        }
        environment = os.environ | FOR_TESTS | ports | own_settings | settings
        try:
            _local("up", environment)
            yield new_stack
        finally:
            _local("down", environment)


def _named_stack(environment: Mapping[str, str]) -> Stack:
    """A stack that is already running, with its secrets from the environment."""
    return Stack(
        environment["FAREBOX_E2E_URL"].rstrip("/"),
        environment["FAREBOX_E2E_ADMIN_EMAIL"],
        environment["FAREBOX_E2E_ADMIN_PASSWORD"],
        environment["JWT_SECRET"],
        environment["SERVICE_SECRET"],
        environment.get("FAREBOX_E2E_DASHBOARD_URL", Stack.dashboard_url),
    )


def _time_of(line: str) -> str:
    return line.partition('"timestamp":"')[2]


def _read_from(file: Path, position: int) -> str:
    with file.open("rb") as opened:
        opened.seek(position)
        return opened.read().decode(errors="replace")


def free_ports(names: Sequence[str]) -> dict[str, str]:
    """A different free port for each name."""
    ports: dict[str, int] = {}
    for name in names:
        ports[name] = free_port(ports.values())
    return {name: str(port) for name, port in ports.items()}


def _local(command: str, environment: dict[str, str]) -> None:
    completed = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "local", command],
        cwd=PROJECT,
        env=environment,
        timeout=START_SECONDS + STOP_SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, f"python -m local {command}: {completed.stdout}"
