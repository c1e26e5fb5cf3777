"""The folder that a stack lives in, and where its parts are."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.failures import CannotStart

# A Unix socket's path ends at 107 bytes; this is the longest name that gets put behind the folder's.
LONGEST_SOCKET_FOLDER = 107 - len("/postgres/.s.PGSQL.5432.lock")


@dataclass(frozen=True)
class Home:
    root: Path

    @classmethod
    def at(cls, root: Path) -> "Home":
        return cls(root.expanduser().resolve())

    def make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.root / ".gitignore").write_text("*\n")
        for folder in (self.programs, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.logs, self.store, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)
        if self.sockets.stat().st_uid != os.geteuid():
            raise CannotStart(f"{self.sockets} belongs to somebody else; name a shorter FAREBOX_HOME.")

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
    def state(self) -> Path:
        return self.root / "stack.json"
