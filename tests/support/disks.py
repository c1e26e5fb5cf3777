"""Small disks: file systems in memory that a test fills or makes read-only."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"


class SmallDisk:
    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, but_bytes: int = 0) -> None:
        """Fill the disk but for so many bytes."""
        status = os.statvfs(self.path)
        with (self.path / FILLER).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - but_bytes)

    def make_room(self) -> None:
        (self.path / FILLER).unlink()

    def set_read_only(self, read_only: bool) -> None:
        _run("mount", "-o", f"remount,{'ro' if read_only else 'rw'}", str(self.path))


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Raises PermissionError where this process may not mount."""
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(path))
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise PermissionError(done.stderr)
