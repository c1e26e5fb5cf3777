"""The whole of Farebox: started for the tests, or an existing one at FAREBOX_E2E_URL."""

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
START_SECONDS = 180  # of a machine that is busy with much else
STOP_SECONDS = 60
# Each stack has all its ports to itself: the usual ones may be taken by the next one that starts.
PORTS = ("GATEWAY_PORT", "AUTH_PORT", "BILLING_PORT", "ML_PORT", "SCHEDULER_PORT", "DASHBOARD_PORT")
# What makes the tests quick and lets them ask as often as they like; nothing else differs from `make up`.
FOR_TESTS = {"FAREBOX_RATE_LIMITS": "off", "BCRYPT_COST": "4", "START_SECONDS": str(START_SECONDS)}


@dataclass(frozen=True)
class Stack:
    """Where its doors are, who its administrator is, and, when it is ours, where its files are."""

    url: str
    admin_name: str
    admin_password: str
    jwt_secret: str
    service_secret: str
    dashboard_url: str = "http://127.0.0.1:8501"
    home: Path | None = None

    def log_sizes(self) -> dict[Path, int]:
        """Where each log ends now; none for a stack whose files are not ours to read."""
        files = self.home.glob("logs/**/*.log") if self.home else []
        return {file: file.stat().st_size for file in files}

    def logged_since(self, sizes: dict[Path, int]) -> str:
        """What was logged after that moment."""
        return "\n".join(_read_from(file, sizes.get(file, 0)) for file in self.log_sizes())

    def complaints(self, since: datetime) -> str:
        """The last warnings and errors that were logged since then, in the order of their times."""
        logs = self.home.glob("logs/*/server.log") if self.home else []
        lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
        found = [line for line in lines if any(each in line for each in COMPLAINTS)]
        recent = [line for line in found if _time_of(line) >= since.isoformat()]
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
def running_stack(**settings: str) -> Iterator[Stack]:
    """A stack with a home and ports of its own, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="farebox-", ignore_cleanup_errors=True) as home:
        ports = free_ports(PORTS)
        made = Stack(
            f"http://127.0.0.1:{ports['GATEWAY_PORT']}",
            ADMIN_NAME,
            admin_password=secrets.token_hex(12),
            jwt_secret=secrets.token_hex(32),
            service_secret=secrets.token_hex(32),
            dashboard_url=f"http://127.0.0.1:{ports['DASHBOARD_PORT']}",
            home=Path(home),
        )
        named = {
            "FAREBOX_HOME": home,
            "ADMIN_EMAIL": made.admin_name,
            "ADMIN_PASSWORD": made.admin_password,
            "JWT_SECRET": made.jwt_secret,
            "SERVICE_SECRET": made.service_secret,
        }
        environment = os.environ | FOR_TESTS | ports | named | settings
        try:
            _local("up", environment)
            yield made
        finally:
            _local("down", environment)


def _named_stack(environment: Mapping[str, str]) -> Stack:
    """One that runs already, with the secrets that it was started with."""
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
    """A free port for each, no two the same."""
    found: dict[str, int] = {}
    for name in names:
        found[name] = free_port(found.values())
    return {name: str(port) for name, port in found.items()}


def _local(command: str, environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "local", command],
        cwd=PROJECT,
        env=environment,
        timeout=START_SECONDS + STOP_SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"python -m local {command}: {done.stdout}"
