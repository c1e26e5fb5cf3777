"""Home of a stack: its folders, its secrets, and files readable by their owner alone."""

import hashlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.errors import CannotStart

# A Unix socket's path has at most 107 bytes, and PostgreSQL's lock file has the longest name in the folder.
LONGEST_SOCKET_FOLDER = 107 - len("/postgres/.s.PGSQL.5432.lock")
SECRET_NAMES = (
    "JWT_SECRET",
    "SERVICE_SECRET",
    "ADMIN_PASSWORD",
    "DB_PASSWORD",
    "AUTH_DB_PASSWORD",
    "BILLING_DB_PASSWORD",
    "ML_DB_PASSWORD",
)


@dataclass(frozen=True)
class Home:
    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        return cls(root.expanduser().resolve())

    def create(self) -> None:
        for folder in (self.root, self.programs, self.sockets, self.logs, self.store, self.scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not that of a link's target: another user may have linked the folder of sockets to one of ours.
            if folder.lstat().st_uid != os.geteuid():
                raise CannotStart(f"{folder} belongs to another user; set FAREBOX_HOME to another path.")
            # Homes of earlier versions were open.
            folder.chmod(0o700)
        (self.root / ".gitignore").write_text("*\n")

    @property
    def sockets(self) -> Path:
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_FOLDER:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"farebox-{digest}"

    @property
    def postgres_sockets(self) -> Path:
        return self.sockets / "postgres"

    @property
    def supervisor_socket(self) -> Path:
        return self.sockets / "supervisor"

    @property
    def data(self) -> Path:
        return self.root / "postgres"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def scratch(self) -> Path:
        return self.root / "scratch"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def programs(self) -> Path:
        return self.root / "programs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.env"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def state(self) -> Path:
        return self.root / "stack.json"

    def output_log(self, program: str) -> Path:
        """Standard output and standard error of a program."""
        return self.logs / program / "output.log"


def load_or_create_secrets(path: Path) -> dict[str, str]:
    """The secrets by the name of their setting; missing secrets are created and stored."""
    stored = _read_secrets(path) if path.exists() else {}
    if missing := [name for name in SECRET_NAMES if name not in stored]:
        stored |= {name: secrets.token_hex(32) for name in missing if name != "ADMIN_PASSWORD"}
        stored.setdefault("ADMIN_PASSWORD", secrets.token_urlsafe(12))
        write_private(path, "".join(f"{name}={value}\n" for name, value in stored.items()))
    return stored


def write_private(path: Path, text: str) -> None:
    """Write atomically; the file is never readable by others."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.rename(path)


def _read_secrets(path: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, _, value in lines}
