"""Process ids of a stack's programs, for tests that kill them."""

import time
from contextlib import suppress

import psutil

from local.supervisor import Supervisor

START_SECONDS = 120
PAUSE_SECONDS = 0.05


def running_pid(supervisor: Supervisor, program: str, other_than: int = 0) -> int:
    """Wait until a program runs, with another process than `other_than`; returns its process id."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        state = supervisor.states()[program]
        if state["statename"] == "RUNNING" and state["pid"] not in (0, other_than):
            return int(state["pid"])
        assert time.monotonic() < deadline, state
        time.sleep(PAUSE_SECONDS)


def working_child(supervisor: Supervisor, program: str) -> int:
    """Wait until a program has a worker; returns the id of the largest."""
    workers = running_workers(supervisor, program, 1)
    return max(workers, key=lambda worker: worker.memory_info().rss).pid


def running_workers(
    supervisor: Supervisor, program: str, count: int, without: int = 0
) -> list[psutil.Process]:
    """Wait until a program's fork server has so many workers, and the one `without` has ended."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        # A process may end between the calls.
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(running_pid(supervisor, program)).children()
            workers = [worker for child in children for worker in child.children()]
            if len(workers) >= count and without not in [worker.pid for worker in workers]:
                return workers
        assert time.monotonic() < deadline, f"{program} does not have {count} processes that work for it"
        time.sleep(PAUSE_SECONDS)
