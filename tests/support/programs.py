"""Processes of a stack's programs, to be killed."""

import time
from contextlib import suppress

import psutil

from local.supervisor import Supervisor

START_SECONDS = 120
PAUSE_SECONDS = 0.05


def running_pid(supervisor: Supervisor, program: str, other_than: int = 0) -> int:
    """The process of a program, once it runs; between its end and the next start supervisor lists none."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        state = supervisor.states()[program]
        if state["statename"] == "RUNNING" and state["pid"] not in (0, other_than):
            return int(state["pid"])
        assert time.monotonic() < deadline, state
        time.sleep(PAUSE_SECONDS)


def working_child(supervisor: Supervisor, program: str) -> int:
    """The largest process that a program has spawned, once there is one: of Dask's nanny, its worker."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        # Either may end between two looks.
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(running_pid(supervisor, program)).children(recursive=True)
            spawned = [each for each in children if "spawn_main" in " ".join(each.cmdline())]
            if spawned:
                return max(spawned, key=lambda child: child.memory_info().rss).pid
        assert time.monotonic() < deadline, f"{program} has no process that works for it"
        time.sleep(PAUSE_SECONDS)
