"""The tokens of a login, and their storage between runs."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import filelock
import platformdirs
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

EXPIRY_MARGIN_SECONDS = 15.0


class Tokens(BaseModel):
    """A short-lived access token, and the refresh token that renews it once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: str
    refresh_token: str | None = None
    expires_at: float

    @property
    def is_stale(self) -> bool:
        return time.time() >= self.expires_at - EXPIRY_MARGIN_SECONDS


class TokenStore(Protocol):
    """Storage for the tokens of one login at one address."""

    def load(self) -> Tokens | None:
        """The tokens last saved by any user of the store."""
        ...

    def save(self, tokens: Tokens | None) -> None:
        """Store these tokens; None deletes the stored ones."""
        ...

    def try_lock(self) -> contextlib.AbstractContextManager[object] | None:
        """The lock for a renewal, released on exit; None during another renewal."""
        ...


class MemoryTokenStore:
    """Storage in memory, for servers with many users, and for tests."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()

    def load(self) -> Tokens | None:
        return self._tokens

    def save(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    def try_lock(self) -> contextlib.AbstractContextManager[object] | None:
        if not self._lock.acquire(blocking=False):
            return None
        return _released_on_exit(self._lock.release)


class FileTokenStore:
    """A file in the user's config folder, readable by that user alone, with one login for each address."""

    def __init__(self, base_url: str, folder: Path | None = None) -> None:
        self._url = base_url
        self._path = (folder or config_folder()) / "credentials.json"

    def load(self) -> Tokens | None:
        return self._read().get(self._url)

    def save(self, tokens: Tokens | None) -> None:
        # Another process may be writing the entry of another address.
        with self._file_lock(".write-lock", timeout=5):
            stored = self._read()
            stored.pop(self._url, None)
            if tokens is not None:
                stored[self._url] = tokens
            self._write(stored)

    def try_lock(self) -> contextlib.AbstractContextManager[object] | None:
        lock = self._file_lock(".renew-lock", timeout=0)
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return None
        return _released_on_exit(lock.release)

    def _file_lock(self, suffix: str, timeout: float) -> filelock.BaseFileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return filelock.FileLock(self._path.with_suffix(suffix), timeout=timeout, mode=0o600)

    def _read(self) -> dict[str, Tokens]:
        try:
            return TypeAdapter(dict[str, Tokens]).validate_json(self._path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return {}

    def _write(self, stored: dict[str, Tokens]) -> None:
        # Written to another file and renamed, so that no reader sees half a file; mode 600 from the start.
        temporary = self._path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        body = json.dumps({url: tokens.model_dump() for url, tokens in stored.items()}, indent=1)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(body)
        temporary.replace(self._path)


def config_folder() -> Path:
    """FAREBOX_CONFIG_DIR, or the operating system's folder for a user's settings."""
    folder = os.environ.get("FAREBOX_CONFIG_DIR")
    return Path(folder) if folder else platformdirs.user_config_path("farebox")


def _released_on_exit(release: Callable[[], object]) -> contextlib.ExitStack:
    stack = contextlib.ExitStack()
    stack.callback(release)
    return stack
