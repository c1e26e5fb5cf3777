"""Benchmark environment: a separate stack of real processes and PostgreSQL, without rate limits."""

import hashlib
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx
import psutil

from kit.service_tokens import ServiceIdentity
from kit.settings import ServiceSettings
from local.home import Home
from local.programs import Stack
from local.settings import LocalSettings
from local.stack import down, up
from local.supervisor import processes_of

PASSWORD = "a long sentence for a benchmark"  # noqa: S105 - for users that exist for one run
OPENING_GRANT = "1000000"  # the most that the setting takes
EVENTS_PER_CALL = 500
JSON = {"Content-Type": "application/json"}


class BooksDoNotMatch(Exception):
    """The tokens gone differ from the price of the answers given."""


@dataclass(frozen=True)
class BenchEnvironment:
    """`start_seconds` is the time from an empty folder until every program was ready."""

    stack: Stack
    client: httpx.Client
    identity: ServiceIdentity
    start_seconds: float

    def url(self, service: str) -> str:
        return self.stack.ports.url(service)

    def new_user(self) -> dict[str, str]:
        """Headers of a new user, whose tokens suffice for 200,000 predictions."""
        name = f"bench-{uuid4().hex[:12]}"
        self._post("/v1/users", {"name": name, "password": PASSWORD})
        return {**self._log_in(name, PASSWORD), **JSON}

    def open_wallets(self, user_ids: range) -> None:
        """Deliver the events of users that exist in billing-service alone."""
        headers = self.service_headers("billing-service")
        for start in range(0, len(user_ids), EVENTS_PER_CALL):
            events = [_user_created(user_id) for user_id in user_ids[start : start + EVENTS_PER_CALL]]
            url = f"{self.url('billing')}/internal/events"
            self.client.post(url, json=events, headers=headers).raise_for_status()

    def service_headers(self, audience: str) -> dict[str, str]:
        """Headers of a request from one service to another; valid for a minute."""
        return {**self.identity.headers_for(audience), **JSON}

    def prices(self) -> dict[str, int]:
        """Tokens by action."""
        items = self.client.get("/v1/prices").raise_for_status().json()["items"]
        return {item["action"]: item["tokens"] for item in items}

    def revenue(self) -> int:
        """All tokens ever charged; raises BooksDoNotMatch when the ledger itself does not balance."""
        headers = self._log_in(self.stack.settings.admin_email, self.stack.admin_password)
        books = self.client.get("/v1/ledger/verify", headers=headers).raise_for_status().json()
        if not books["balanced"]:
            raise BooksDoNotMatch(f"The ledger does not balance: {books}")
        return books["house"]["revenue"]

    def process(self, service: str) -> psutil.Process:
        """The process that listens on the service's port."""
        port = getattr(self.stack.ports, service)
        listening = (
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        )
        return psutil.Process(next(listening))

    def processes(self) -> set[psutil.Process]:
        """All processes of the stack. PostgreSQL's children have lost the variable that marks them."""
        marked = list(processes_of(self.stack.home))
        return {*marked, *(child for process in marked for child in process.children(recursive=True))}

    def processor_seconds(self) -> dict[str, float]:
        """Processor time so far of the programs behind a prediction."""
        marked = processes_of(self.stack.home)
        (postmaster,) = (process for process in marked if process.name() == "postgres")
        programs = {service: self.process(service) for service in ("gateway", "ml", "billing")}
        return {name: _seconds(process) for name, process in {**programs, "PostgreSQL": postmaster}.items()}

    def _log_in(self, name: str, password: str) -> dict[str, str]:
        session = self._post("/v1/sessions", {"name": name, "password": password})
        return {"Authorization": f"Bearer {session['access_token']}"}

    def _post(self, path: str, body: dict[str, str]) -> dict[str, str]:
        return self.client.post(path, json=body).raise_for_status().json()


class Books:
    """Tokens that the answers of a benchmark should have cost, by action."""

    def __init__(self, prices: dict[str, int]) -> None:
        self._prices = prices
        self.tokens = 0

    def count(self, action: str, answers: int = 1) -> None:
        self.tokens += answers * self._prices[action]

    def check(self, gone: int) -> None:
        if gone != self.tokens:
            raise BooksDoNotMatch(f"{gone} tokens are gone for answers that cost {self.tokens}")


@contextmanager
def checked_books(environment: BenchEnvironment) -> Generator[Books]:
    """Compare the answers counted in the block with the tokens gone; raises BooksDoNotMatch."""
    books, before = Books(environment.prices()), environment.revenue()
    yield books
    books.check(environment.revenue() - before)


@contextmanager
def bench_environment() -> Generator[BenchEnvironment]:
    os.environ |= {
        "FAREBOX_RATE_LIMITS": "off",
        "MAX_REQUESTS_IN_FLIGHT": "1000",
        "OPENING_GRANT": OPENING_GRANT,
    }
    with TemporaryDirectory(prefix="farebox-bench-") as folder:
        settings = LocalSettings(farebox_home=Path(folder))
        started = time.perf_counter()
        try:
            stack = up(settings, report=lambda _step: None, prefer_defaults=False)
            seconds = time.perf_counter() - started
            with httpx.Client(base_url=stack.ports.url("gateway"), timeout=600) as client:
                yield BenchEnvironment(stack, client, _identity(stack), seconds)
        finally:
            down(Home.at(settings.farebox_home))


def _identity(stack: Stack) -> ServiceIdentity:
    names = ("JWT_SECRET", "SERVICE_SECRET")
    secrets = {name.lower(): os.environ.get(name) or stack.secrets[name] for name in names}
    return ServiceIdentity(ServiceSettings.model_validate(secrets), "ml-service")


def _user_created(user_id: int) -> dict[str, object]:
    name = f"bench-{user_id}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "id": str(uuid4()),
        "kind": "user_created",
        "occurred_at": datetime.now(UTC).isoformat(),
        "data": {"user_id": user_id, "name": name, "name_digest": digest, "role": "user"},
    }


def _seconds(process: psutil.Process) -> float:
    """Processor time of a process and its children, ended ones included."""
    times = process.cpu_times()
    seconds = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):
            seconds += _seconds(child)
    return seconds
