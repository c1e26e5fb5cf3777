"""Schemathesis against a running stack, as an ordinary user, as an administrator, and at each service."""

import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.home import Home
from local.stack import RunningStack
from tests.support.people import PASSWORD, unused_name
from tests.support.stack import PROJECT, Stack

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
SERVICES = ("auth", "billing", "ml")
REQUEST_SECONDS = 60
# Two at once: Schemathesis generates requests on one core, and a service answers on another.
PARALLEL = 2
ROUND_SECONDS = 100
SHORTEST_SECONDS = 5
# The start and the end of a round need time, too.
GRACE_SECONDS = 180
PLENTY = 100_000_000
SUCCESS = re.compile(" 2[0-9][0-9]$")


@dataclass
class Target:
    """An address and a caller, with the number of answers to each operation by status.

    `reports` are what Schemathesis printed about failures.
    """

    name: str
    document: str
    token: str
    answers: Counter[str] = field(default_factory=Counter[str])
    reports: list[str] = field(default_factory=list[str])
    rounds: int = 0

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def successful(self) -> set[str]:
        """The operations that have answered 2xx."""
        return {SUCCESS.sub("", answer) for answer in self.answers if SUCCESS.search(answer)}


@dataclass(frozen=True)
class Fuzzing:
    """Rounds of Schemathesis until `requests` are sent, for `seconds` at most."""

    gateway: str
    protected: str
    seconds: int
    requests: int
    seed: int

    def run(self, targets: list[Target]) -> None:
        end = time.monotonic() + self.seconds
        round_seconds = min(ROUND_SECONDS, self.seconds * PARALLEL // len(targets))
        running: dict[Future[None], Target] = {}
        with ThreadPoolExecutor(PARALLEL) as pool:
            while True:
                idle = [target for target in targets if target not in running.values()]
                target = min(idle, key=lambda each: (each.rounds, each.requests))
                left = int(end - time.monotonic())
                is_enough = sum(each.requests for each in targets) >= self.requests
                # Each target has a first round, however busy the machine is.
                is_due = not target.rounds or (left >= SHORTEST_SECONDS and not is_enough)
                if is_due and len(running) < PARALLEL:
                    seconds = min(round_seconds, left) if target.rounds else round_seconds
                    running[pool.submit(self._run_round, target, seconds)] = target
                    continue
                if not running:
                    return
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    running.pop(done)
                    done.result()

    def _run_round(self, target: Target, seconds: int) -> None:
        # The cases of the first phases are always the same.
        phases = "fuzzing,stateful" if target.rounds else "examples,coverage,fuzzing,stateful"
        options = ["--max-time", str(seconds), "--phases", phases, "--checks", ",".join(CHECKS)]
        options += ["--seed", str(self.seed + target.rounds), "--request-timeout", str(REQUEST_SECONDS)]
        options += ["--continue-on-failure", "--no-shrink", "--generation-database", "none"]
        options += ["--warnings", "off", "--no-color"]
        target.rounds += 1
        with tempfile.TemporaryDirectory() as folder:
            counts = Path(folder) / "counts.json"
            environment = {
                "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
                "FUZZ_GATEWAY": self.gateway,
                "FUZZ_TOKEN": target.token,
                "FUZZ_PROTECTED": self.protected,
                "FUZZ_COUNTS": str(counts),
                "PYTHONPATH": str(PROJECT),
            }
            program = Path(sys.executable).with_name("schemathesis")
            completed = subprocess.run(  # noqa: S603 - our own command
                [str(program), "run", target.document, *options],
                env=os.environ | environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds + GRACE_SECONDS,
            )
            if completed.returncode or not counts.exists():
                target.reports.append(completed.stdout + completed.stderr)
            if counts.exists():
                target.answers.update(json.loads(counts.read_text()))


def fuzz(stack: Stack, seconds: int, requests: int, seed: int = 1) -> list[Target]:
    """Fuzz the gateway and each service; a service is reached without the gateway, as by an intruder."""
    with httpx.Client(base_url=stack.url, timeout=30) as http:
        admin = _log_in(http, stack.admin_name, stack.admin_password)
        users = [_rich_user(http, admin) for _ in range(1 + len(SERVICES))]
        me = [http.get("/v1/me", headers={"Authorization": f"Bearer {token}"}) for token in (admin, *users)]
    assert stack.home is not None
    running = RunningStack.load(Home.at(stack.home))
    assert running is not None
    targets = [
        Target("gateway, as a user", f"{stack.url}/openapi.json", users.pop()),
        Target("gateway, as an administrator", f"{stack.url}/openapi.json", admin),
    ]
    targets += [Target(name, f"{running.ports.url(name)}/openapi.json", users.pop()) for name in SERVICES]
    protected = ",".join(str(each.json()["id"]) for each in me)
    Fuzzing(stack.url, protected, seconds, requests, seed).run(targets)
    return targets


def has_failed(targets: list[Target], requests: int) -> bool:
    """Whether a request was answered wrongly, or fewer were sent than these."""
    return sum(target.requests for target in targets) < requests or any(target.reports for target in targets)


def successful(targets: list[Target]) -> set[str]:
    """The operations that have answered 2xx to one of the callers."""
    return set(itertools.chain.from_iterable(target.successful for target in targets))


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
