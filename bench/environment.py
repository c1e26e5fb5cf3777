"""Benchmark environment: a separate stack of real processes and PostgreSQL, without rate limits."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
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

PASSWORD = "a long sentence for a benchmark"  # noqa: S105 - for users that exist for one run
OPENING_GRANT = "1000000"


@dataclass(frozen=True)
class BenchEnvironment:
    stack: Stack
    client: httpx.Client
    identity: ServiceIdentity

    def url(self, service: str) -> str:
        return self.stack.ports.url(service)

    def new_user(self) -> dict[str, str]:
        """Authorization header of a new user, whose tokens suffice for every benchmark."""
        name = f"bench-{uuid4().hex[:12]}"
        self._post("/v1/users", {"name": name, "password": PASSWORD})
        session = self._post("/v1/sessions", {"name": name, "password": PASSWORD})
        return {"Authorization": f"Bearer {session['access_token']}"}

    def service_headers(self, audience: str) -> dict[str, str]:
        """Headers of a request from one service to another."""
        return {**self.identity.headers_for(audience), "Content-Type": "application/json"}

    def process(self, service: str) -> psutil.Process:
        """The process that listens on the service's port."""
        port = getattr(self.stack.ports, service)
        listening = (
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
        )
        return psutil.Process(next(listening))

    def _post(self, path: str, body: dict[str, str]) -> dict[str, str]:
        return self.client.post(path, json=body).raise_for_status().json()


@contextmanager
def bench_environment() -> Generator[BenchEnvironment]:
    os.environ |= {"FAREBOX_RATE_LIMITS": "off", "OPENING_GRANT": OPENING_GRANT}
    with TemporaryDirectory(prefix="farebox-bench-") as folder:
        settings = LocalSettings(farebox_home=Path(folder))
        try:
            stack = up(settings, report=lambda _step: None, prefer_defaults=False)
            with httpx.Client(base_url=stack.ports.url("gateway"), timeout=600) as client:
                yield BenchEnvironment(stack, client, _identity(stack))
        finally:
            down(Home.at(settings.farebox_home))


def _identity(stack: Stack) -> ServiceIdentity:
    names = ("JWT_SECRET", "SERVICE_SECRET")
    secrets = {name.lower(): os.environ.get(name) or stack.secrets[name] for name in names}
    return ServiceIdentity(ServiceSettings.model_validate(secrets), "ml-service")
