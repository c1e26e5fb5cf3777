"""Resources of the machine or container: the default number of Dask workers, and the memory of one fit."""

import os
from dataclasses import dataclass
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
MEBIBYTE = 1024**2
# The default forest on 54,000 rows and 9 columns takes 0.45 GiB; a table at the limit of an upload 1.2 GiB.
MEMORY_OF_A_FIT = 1536 * MEBIBYTE
LEAST_MEMORY = 512 * MEBIBYTE
# Half of the memory is left to the services, PostgreSQL and the file cache.
SHARE_OF_WORKERS = 0.5
# An idle worker takes memory, so that more are started only by setting.
MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Machine:
    """The usable cores, and the bytes of memory."""

    cores: int
    memory: int

    @classmethod
    def detect(cls, cgroup: Path = CGROUP) -> "Machine":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return cls(
            min(cores, _limit_of_cores(cgroup) or cores), min(memory, _limit_of_memory(cgroup) or memory)
        )

    @property
    def workers(self) -> int:
        """The default number of workers: one for each core, as long as each has memory for a usual fit."""
        fits = int(self.memory * SHARE_OF_WORKERS) // MEMORY_OF_A_FIT
        return max(1, min(self.cores, fits, MOST_WORKERS))

    def memory_of_each(self, workers: int) -> int:
        """The default memory limit of each of these workers, in bytes."""
        return max(LEAST_MEMORY, int(self.memory * SHARE_OF_WORKERS) // workers)


def _limit_of_cores(cgroup: Path) -> int | None:
    """The limit of the cgroup, of version 2 or 1, rounded up."""
    quota, period = _read(cgroup / "cpu.max") or (
        *(_read(cgroup / "cpu/cpu.cfs_quota_us") or ["-1"]),
        *(_read(cgroup / "cpu/cpu.cfs_period_us") or ["1"]),
    )
    return -(-int(quota) // int(period)) if quota.isdecimal() else None


def _limit_of_memory(cgroup: Path) -> int | None:
    words = _read(cgroup / "memory.max") or _read(cgroup / "memory/memory.limit_in_bytes") or ["max"]
    return int(words[0]) if words[0].isdecimal() else None


def _read(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
