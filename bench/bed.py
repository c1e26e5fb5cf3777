"""A stack of its own for one run: real processes, a real PostgreSQL, no rate limits."""

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

PASSWORD = "a long sentence for a benchmark"  # noqa: S105 - of users that live for one run
OPENING_GRANT = "1000000"


@dataclass(frozen=True)
class Bed:
    stack: Stack
    client: httpx.Client
    identity: ServiceIdentity

    def url(self, service: str) -> str:
        return self.stack.ports.url(service)

    def new_user(self) -> dict[str, str]:
        """The headers of a new user who can pay for everything here."""
        name = f"bench-{uuid4().hex[:12]}"
        self._post("/v1/users", {"name": name, "password": PASSWORD})
        session = self._post("/v1/sessions", {"name": name, "password": PASSWORD})
        return {"Authorization": f"Bearer {session['access_token']}"}

    def service_headers(self, audience: str) -> dict[str, str]:
        """What a sibling service would send now."""
        return {**self.identity.headers_for(audience), "Content-Type": "application/json"}

    def process(self, service: str) -> psutil.Process:
        """The process that listens on the service's port."""
        port = getattr(self.stack.ports, service)
        listening = (
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr[1:] == (port,)
        )
        return psutil.Process(next(listening))

    def _post(self, path: str, body: dict[str, str]) -> dict[str, str]:
        return self.client.post(path, json=body).raise_for_status().json()


@contextmanager
def bed() -> Generator[Bed]:
    os.environ |= {"FAREBOX_RATE_LIMITS": "off", "OPENING_GRANT": OPENING_GRANT}
    with TemporaryDirectory(prefix="farebox-bench-") as folder:
        settings = LocalSettings(farebox_home=Path(folder))
        try:
            stack = up(settings, say=lambda _step: None, prefer_defaults=False)
            with httpx.Client(base_url=stack.ports.url("gateway"), timeout=600) as client:
                yield Bed(stack, client, _identity(stack))
        finally:
            down(Home.at(settings.farebox_home))


def _identity(stack: Stack) -> ServiceIdentity:
    names = ("JWT_SECRET", "SERVICE_SECRET")
    secrets = {name.lower(): os.environ.get(name) or stack.secrets[name] for name in names}
    return ServiceIdentity(ServiceSettings.model_validate(secrets), "ml-service")
