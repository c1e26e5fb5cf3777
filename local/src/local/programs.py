"""Programs of a stack: command, environment and account of each process."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kit.certificates import AUTHORITY, CERTIFICATE, KEY
from local.home import Home, write_private
from local.ports import ADDRESS, Ports
from local.postgres import SUPERUSER, Cluster, account_to_run_as
from local.settings import LocalSettings

DATABASE = "farebox"
POSTGRES = "postgres"


@dataclass(frozen=True)
class Program:
    """`stop_signal` ends the program gracefully; `ready_url` responds 200 once it is ready.

    A program that `needs_database` exits without a migrated one, so it starts after the others.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    stop_signal: str = "TERM"
    ready_url: str | None = None
    account: tuple[int, int] | None = None
    folder: str | None = None
    needs_database: bool = False


@dataclass(frozen=True)
class Stack:
    """Home, settings, secrets and ports that the programs of one stack share."""

    home: Home
    settings: LocalSettings
    secrets: dict[str, str]
    ports: Ports

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.home.data, self.home.postgres_sockets)

    @property
    def admin_password(self) -> str:
        configured = self.settings.admin_password
        return configured.get_secret_value() if configured else self.secrets["ADMIN_PASSWORD"]

    @property
    def owner_environment(self) -> dict[str, str]:
        """Environment of the migrations: the owner's login, and the roles' passwords."""
        passwords = {name: value for name, value in self.secrets.items() if name.endswith("DB_PASSWORD")}
        return {**self.database_environment(SUPERUSER, "DB_PASSWORD"), **passwords}

    def database_environment(self, role: str, password: str) -> dict[str, str]:
        return {
            "DB_HOST": str(self.home.postgres_sockets),
            "DB_PORT": "5432",
            "DB_NAME": DATABASE,
            "DB_USER": role,
            "DB_PASSWORD": self.secrets[password],
            # A Unix socket has no TLS; a caller's setting is for another server.
            "DB_SSLMODE": "disable",
        }


def programs_of(stack: Stack) -> list[Program]:
    """The programs in the order of their start; they stop in reverse."""
    admin = {"ADMIN_EMAIL": stack.settings.admin_email, "ADMIN_PASSWORD": stack.admin_password}
    return [
        postgres_program(stack.cluster),
        *_cluster(stack),
        _service(stack, "billing", "billing-service"),
        _service(stack, "ml", "ml-service", _ml_environment(stack)),
        _service(stack, "auth", "auth-service", admin),
        _service(stack, "gateway", "gateway"),
        _dashboard(stack),
    ]


def write_program_file(program: Program, folder: Path) -> Path:
    """Write the file from which `local.launch` starts the program."""
    content = {
        "command": program.command,
        "environment": program.environment,
        "account": program.account,
        "folder": program.folder,
    }
    path = folder / f"{program.name}.json"
    write_private(path, json.dumps(content))
    return path


def postgres_program(cluster: Cluster, **options: str) -> Program:
    account = account_to_run_as()
    # Terse: the details of an error contain users' data.
    command = cluster.command(max_connections="200", log_error_verbosity="terse", **options)
    return Program(
        POSTGRES,
        command,
        stop_signal="INT",
        account=(account.pw_uid, account.pw_gid) if account else None,
        folder=str(cluster.data),
    )


def _service(stack: Stack, name: str, full_name: str, extra: dict[str, str] | None = None) -> Program:
    ports, secrets = stack.ports, stack.secrets
    environment = {
        "HOST": ADDRESS,
        "PORT": str(getattr(ports, name)),
        "LOG_DIR": str(stack.home.logs / full_name),
        **{f"{service.upper()}_URL": ports.url(service) for service in ("auth", "billing", "ml")},
        **{secret: os.environ.get(secret) or secrets[secret] for secret in ("JWT_SECRET", "SERVICE_SECRET")},
        **(extra or {}),
    }
    module, needs_database = full_name.replace("-", "_"), name != "gateway"
    if needs_database:
        environment |= stack.database_environment(module, f"{name.upper()}_DB_PASSWORD")
    command, ready_url = [sys.executable, "-P", "-m", module], f"{ports.url(name)}/readyz"
    return Program(full_name, command, environment, ready_url=ready_url, needs_database=needs_database)


def _dashboard(stack: Stack) -> Program:
    url = stack.ports.url("dashboard")
    environment = {
        "HOST": ADDRESS,
        "PORT": str(stack.ports.dashboard),
        "API_BASE_URL": stack.ports.url("gateway"),
    }
    command = [sys.executable, "-P", "-m", "dashboard"]
    return Program("dashboard", command, environment, ready_url=f"{url}/_stcore/health")


def _ml_environment(stack: Stack) -> dict[str, str]:
    store_url = {"STORE_URL": stack.settings.store_url or stack.home.store.as_uri()}
    if stack.settings.dask_scheduler_address:
        # Its certificates are those of the caller's environment.
        return store_url | {"DASK_SCHEDULER_ADDRESS": stack.settings.dask_scheduler_address}
    scheduler = {"DASK_SCHEDULER_ADDRESS": f"tls://{ADDRESS}:{stack.ports.scheduler}"}
    return store_url | scheduler | _certificates(stack)


def _certificates(stack: Stack) -> dict[str, str]:
    names = {"CA": AUTHORITY, "CERT": CERTIFICATE, "KEY": KEY}
    return {f"DASK_TLS_{name}_FILE": str(stack.home.certificates / file) for name, file in names.items()}


def _cluster(stack: Stack) -> list[Program]:
    """The Dask scheduler and workers; none when the settings name another scheduler."""
    return [] if stack.settings.dask_scheduler_address else [_scheduler(stack), _workers(stack)]


def _scheduler(stack: Stack) -> Program:
    command = [sys.executable, "-P", "-m", "ml_service.learning.scheduler", "--host", ADDRESS]
    return Program("dask-scheduler", [*command, "--port", str(stack.ports.scheduler)], _certificates(stack))


def _workers(stack: Stack) -> Program:
    """All workers: they share the memory of the process that they are forked from."""
    settings = stack.settings
    options = {
        "--workers": str(settings.dask_workers + settings.reserved_workers),
        "--memory": str(int(settings.dask_worker_memory)),
        "--folder": str(stack.home.scratch),
    }
    arguments = [word for pair in options.items() for word in pair]
    module = [sys.executable, "-P", "-m", "ml_service.learning.workers"]
    return Program("dask-workers", [*module, *arguments], _ml_environment(stack))
