"""Disks of the stack: small file systems in memory, which can be filled and made read-only."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEBIBYTE = 1024 * 1024
FILLER = "filler"


class Disk:
    """A folder on a file system of its own; an ordinary folder if mounting is forbidden."""

    def __init__(self, folder: Path, *, can_fail: bool) -> None:
        self.folder, self.can_fail = folder, can_fail

    def fill(self) -> None:
        """Take all free space."""
        with (self.folder / FILLER).open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(MEBIBYTE))

    def make_room(self) -> None:
        (self.folder / FILLER).unlink(missing_ok=True)

    def set_read_only(self, read_only: bool) -> bool:
        """False when files are open for writing; the caller may try again."""
        option = f"remount,{'ro' if read_only else 'rw'}"
        return _run("mount", "-o", option, str(self.folder)) == 0


@contextmanager
def disks(*sizes: int) -> Iterator[list[Disk]]:
    """Disks of these sizes in bytes, removed at the end."""
    root = Path(tempfile.mkdtemp(prefix="farebox-drill-"))
    made = [_make(root / str(number), size) for number, size in enumerate(sizes)]
    try:
        yield made
    finally:
        for disk in made:
            if disk.can_fail:
                _run("umount", "--lazy", str(disk.folder))
        shutil.rmtree(root, ignore_errors=True)


def _make(folder: Path, size: int) -> Disk:
    folder.mkdir(parents=True)
    folder.parent.chmod(0o711)
    mounted = (
        os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)) == 0
    )
    return Disk(folder, can_fail=mounted)


def _run(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode  # noqa: S603 - our own command
