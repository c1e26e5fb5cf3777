"""Schemathesis against a running stack, as an ordinary user, as an administrator, and at each service."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.home import Home
from local.stack import RunningStack
from tests.support.people import PASSWORD, unused_name
from tests.support.stack import Stack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
# Requests that would end the caller's own login or account, and streams that last as long as a job.
EXCLUDED = "^/v1/me$|/events$|^/v1/sessions/current$|remove_user|password|^/v1/users/|^/admin/users/"
SERVICES = ("auth", "billing", "ml")
GENERATED = re.compile(r"(\d+) generated")
REQUEST_SECONDS = 60
# The end of the run needs time, too.
GRACE_SECONDS = 120
PLENTY = 100_000


@dataclass(frozen=True)
class Outcome:
    """The requests to one target; `report` is what Schemathesis printed if one of them failed."""

    target: str
    requests: int
    report: str


def fuzz(stack: Stack, seconds: int, seed: int | None = None) -> Iterator[Outcome]:
    """Fuzz each target for so long; a service is reached without the gateway, as by an intruder."""
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        admin = _log_in(http, stack.admin_name, stack.admin_password)
        user = _rich_user(http, admin)
    yield _run("gateway, as a user", f"{stack.url}/openapi.json", user, seconds, seed)
    yield _run("gateway, as an administrator", f"{stack.url}/openapi.json", admin, seconds, seed)
    assert stack.home is not None
    running = RunningStack.load(Home.at(stack.home))
    assert running is not None
    for service in SERVICES:
        address = f"{running.ports.url(service)}/openapi.json"
        yield _run(service, address, user, seconds, seed)


def _run(target: str, address: str, token: str, seconds: int, seed: int | None) -> Outcome:
    program = Path(sys.executable).with_name("schemathesis")
    options = ["--max-time", str(seconds), "--checks", ",".join(CHECKS), "--exclude-path-regex", EXCLUDED]
    options += ["--request-timeout", str(REQUEST_SECONDS), "--continue-on-failure", "--no-color"]
    options += ["--header", f"Authorization: Bearer {token}"]
    if seed is not None:
        options += ["--seed", str(seed)]
    completed = subprocess.run(  # noqa: S603 - our own command
        [str(program), "run", address, *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + GRACE_SECONDS,
    )
    generated = GENERATED.search(completed.stdout)
    report = completed.stdout + completed.stderr if completed.returncode or generated is None else ""
    return Outcome(target, int(generated[1]) if generated is not None else 0, report)


def _log_in(http: httpx.Client, name: str, password: str) -> str:
    response = http.post("/v1/sessions", json={"name": name, "password": password})
    assert response.status_code == 201, response.text
    return str(response.json()["access_token"])


def _rich_user(http: httpx.Client, admin: str) -> str:
    """The token of a new user who can pay for every request."""
    name = unused_name("fuzz")
    created = http.post("/v1/users", json={"name": name, "password": PASSWORD})
    assert created.status_code == 201, created.text
    granted = http.post(
        f"/v1/users/{created.json()['id']}/grants",
        json={"amount": PLENTY, "reason": "for fuzzing"},
        headers={"Authorization": f"Bearer {admin}"},
    )
    assert granted.status_code == 201, granted.text
    return _log_in(http, name, PASSWORD)
