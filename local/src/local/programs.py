"""Everything that runs in a stack, and what each program is told."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from local.files import write_private
from local.home import Home
from local.ports import ADDRESS, Ports
from local.postgres import SUPERUSER, Cluster, account_to_run_as
from local.settings import LocalSettings

DATABASE = "farebox"
POSTGRES = "postgres"


@dataclass(frozen=True)
class Program:
    """`stops_by` is the signal that ends it in good order; `ready_url` answers 200 once it can work."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    stops_by: str = "TERM"
    ready_url: str | None = None
    account: tuple[int, int] | None = None


@dataclass(frozen=True)
class Stack:
    """What the programs of one stack share."""

    home: Home
    settings: LocalSettings
    secrets: dict[str, str]
    ports: Ports

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.home.data, self.home.postgres_sockets)

    @property
    def admin_password(self) -> str:
        given = self.settings.admin_password
        return given.get_secret_value() if given else self.secrets["ADMIN_PASSWORD"]

    @property
    def owner_environment(self) -> dict[str, str]:
        """What migrations need: the owner's login and the roles' passwords."""
        passwords = {name: value for name, value in self.secrets.items() if name.endswith("DB_PASSWORD")}
        return {**self.database_environment(SUPERUSER, "DB_PASSWORD"), **passwords}

    def database_environment(self, role: str, password: str) -> dict[str, str]:
        return {
            "DB_HOST": str(self.home.postgres_sockets),
            "DB_PORT": "5432",
            "DB_NAME": DATABASE,
            "DB_USER": role,
            "DB_PASSWORD": self.secrets[password],
        }


def programs_of(stack: Stack) -> list[Program]:
    """In the order in which they start; they stop the other way round."""
    admin = {"ADMIN_EMAIL": stack.settings.admin_email, "ADMIN_PASSWORD": stack.admin_password}
    return [
        postgres_program(stack.cluster),
        *_cluster(stack),
        _service(stack, "billing", "billing-service"),
        _service(stack, "ml", "ml-service", _work_environment(stack)),
        _service(stack, "auth", "auth-service", admin),
        _service(stack, "gateway", "gateway"),
        _dashboard(stack),
    ]


def describe(program: Program, folder: Path) -> Path:
    """Write down what `local.launch` needs to become it."""
    known = {"command": program.command, "environment": program.environment, "account": program.account}
    path = folder / f"{program.name}.json"
    write_private(path, json.dumps(known))
    return path


def postgres_program(cluster: Cluster, **options: str) -> Program:
    account = account_to_run_as()
    # Terse, because the details of an error are people's data.
    command = cluster.command(max_connections="200", log_error_verbosity="terse", **options)
    return Program(
        POSTGRES,
        command,
        stops_by="INT",
        account=(account.pw_uid, account.pw_gid) if account else None,
    )


def _service(stack: Stack, name: str, full_name: str, more: dict[str, str] | None = None) -> Program:
    ports, secrets = stack.ports, stack.secrets
    environment = {
        "HOST": ADDRESS,
        "PORT": str(getattr(ports, name)),
        "LOG_DIR": str(stack.home.logs / full_name),
        **{f"{each.upper()}_URL": ports.url(each) for each in ("auth", "billing", "ml")},
        **{each: os.environ.get(each) or secrets[each] for each in ("JWT_SECRET", "SERVICE_SECRET")},
        **(more or {}),
    }
    module = full_name.replace("-", "_")
    if name != "gateway":
        environment |= stack.database_environment(module, f"{name.upper()}_DB_PASSWORD")
    command = [sys.executable, "-P", "-m", module]
    return Program(full_name, command, environment, ready_url=f"{ports.url(name)}/readyz")


def _dashboard(stack: Stack) -> Program:
    url = stack.ports.url("dashboard")
    environment = {
        "HOST": ADDRESS,
        "PORT": str(stack.ports.dashboard),
        "API_BASE_URL": stack.ports.url("gateway"),
    }
    command = [sys.executable, "-P", "-m", "dashboard"]
    return Program("dashboard", command, environment, ready_url=f"{url}/_stcore/health")


def _work_environment(stack: Stack) -> dict[str, str]:
    settings, own_scheduler = stack.settings, f"tcp://{ADDRESS}:{stack.ports.scheduler}"
    return {
        "STORE_URL": settings.store_url or stack.home.store.as_uri(),
        "DASK_SCHEDULER_ADDRESS": settings.dask_scheduler_address or own_scheduler,
    }


def _cluster(stack: Stack) -> list[Program]:
    """None of our own where another one is named."""
    if stack.settings.dask_scheduler_address is not None:
        return []
    workers = range(1, stack.settings.dask_workers + 1)
    return [_scheduler(stack), *(_worker(stack, number) for number in workers)]


def _scheduler(stack: Stack) -> Program:
    options = ["--host", ADDRESS, "--port", str(stack.ports.scheduler), "--no-dashboard", "--no-show"]
    # A job that lost its worker is tried again by ml-service, which counts and waits.
    once = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    return Program("dask-scheduler", [sys.executable, "-P", "-m", "dask", "scheduler", *options], once)


def _worker(stack: Stack, number: int) -> Program:
    name = f"dask-worker-{number}"
    options = {
        "--host": ADDRESS,
        "--name": name,
        "--nthreads": "1",
        "--nworkers": "1",
        "--memory-limit": str(int(stack.settings.dask_worker_memory)),
        "--local-directory": str(stack.home.scratch),
        # Also counts loading what trainings need, which takes long on a busy machine.
        "--death-timeout": "120",
    }
    work = _work_environment(stack)
    arguments = [part for pair in options.items() for part in pair]
    command = [sys.executable, "-P", "-m", "dask", "worker", work["DASK_SCHEDULER_ADDRESS"], *arguments]
    config = {
        # Its profiler samples every 10 ms for a dashboard that nobody opens here.
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
        # What a first training would otherwise wait for; --preload would load it into the nanny as well.
        "DASK_DISTRIBUTED__WORKER__PRELOAD": "['ml_service.learning.tasks']",
    }
    return Program(name, [*command, "--no-dashboard"], work | config)
