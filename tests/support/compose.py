"""`docker compose` in the project's root; the variable COMPOSE is the command."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.stack import PROJECT

LONGEST_SECONDS = 600
# Addresses of the public network that Docker gives out last.
CLIENTS = 200


@dataclass(frozen=True)
class Compose:
    """A Compose project; `environment` has the settings of its .env file."""

    environment: Mapping[str, str]
    files: Sequence[str] = ("docker-compose.yml",)

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run the command and return its standard output; a failure shows the end of its output."""
        file_options = [part for file in self.files for part in ("--file", file)]
        return run_program(
            [*shlex.split(os.environ["COMPOSE"]), *file_options, *arguments], self.environment, stdin
        )

    def script(self, name: str, *arguments: str) -> str:
        return run_program([f"deploy/{name}", *arguments], self.environment)

    def up(self, *options: str) -> None:
        self.run("up", "--detach", "--wait", *options)

    def containers(self, service: str) -> list[str]:
        return self.run("ps", "--quiet", "--all", service).split()

    def run_as_client(self, *command: str, stdin: str = "", number: int = 1) -> str:
        """Run a program where clients of the published ports are; each number is another client."""
        project, prefix = self.environment["COMPOSE_PROJECT_NAME"], self.environment["SUBNET_PREFIX"]
        place = ["--network", f"{project}_public", "--ip", f"{prefix}0.{CLIENTS + number}"]
        image = f"{project}-ml-service"
        return run_program(["docker", "run", "--rm", "--interactive", *place, image, *command], stdin=stdin)

    def kill(self, service: str) -> None:
        """Kill a container's program like the OOM killer; `docker kill` would count as a stop."""
        pid = run_program(["docker", "inspect", "--format", "{{.State.Pid}}", self.containers(service)[0]])
        from_outside = ["docker", "run", "--rm", "--pid", "host", "postgres:17"]
        run_program([*from_outside, "bash", "-c", f"kill -KILL {pid.strip()}"])


def run_program(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    *,
    seconds: float = LONGEST_SECONDS,
) -> str:
    completed = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        input=stdin,
        timeout=seconds,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, (
        f"{shlex.join(command)}:\n{completed.stdout[-3000:]}\n{completed.stderr[-3000:]}"
    )
    return completed.stdout
