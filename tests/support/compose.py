"""`docker compose` from the project's root; COMPOSE names the command."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.stack import PROJECT

LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Compose:
    """One project's stack; `environment` has the settings that a person would write into .env."""

    environment: Mapping[str, str]
    files: Sequence[str] = ("docker-compose.yml",)

    def run(self, *arguments: str, given: str = "") -> str:
        """What it printed; its last words are shown when it fails."""
        named = [part for file in self.files for part in ("--file", file)]
        return run_program([*shlex.split(os.environ["COMPOSE"]), *named, *arguments], self.environment, given)

    def script(self, name: str, *arguments: str) -> str:
        return run_program([f"deploy/{name}", *arguments], self.environment)

    def up(self, *options: str) -> None:
        self.run("up", "--detach", "--wait", *options)

    def containers(self, service: str) -> list[str]:
        return self.run("ps", "--quiet", "--all", service).split()

    def kill(self, service: str) -> None:
        """Kill a container's program as a lack of memory would; `docker kill` would count as a stop."""
        pid = run_program(["docker", "inspect", "--format", "{{.State.Pid}}", self.containers(service)[0]])
        from_outside = ["docker", "run", "--rm", "--pid", "host", "postgres:17"]
        run_program([*from_outside, "bash", "-c", f"kill -KILL {pid.strip()}"])


def run_program(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    given: str = "",
    *,
    seconds: float = LONGEST_SECONDS,
) -> str:
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        input=given,
        timeout=seconds,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
