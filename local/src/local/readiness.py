"""Waiting until every service says that it is ready."""

import time
from collections import defaultdict
from collections.abc import Sequence

import httpx

from local.failures import CannotStart
from local.home import Home
from local.programs import Program
from local.supervisor import Supervisor

LOOK_EVERY_SECONDS = 0.1
# A program that needed more starts than this will not come up by itself.
MOST_STARTS = 5


def is_ready(client: httpx.Client, program: Program) -> bool:
    if program.ready_url is None:
        return True
    try:
        return client.get(program.ready_url).status_code == 200
    except httpx.TransportError:
        return False


def wait_until_ready(supervisor: Supervisor, home: Home, programs: Sequence[Program], seconds: float) -> None:
    """Return when all are ready; the order in which they become so does not matter."""
    deadline = time.monotonic() + seconds
    starts: dict[str, set[int]] = defaultdict(set)
    waiting = [program for program in programs if program.ready_url is not None]
    with httpx.Client(timeout=2, trust_env=False) as client:
        while waiting := [program for program in waiting if not is_ready(client, program)]:
            for name, state in supervisor.states().items():
                starts[name].add(state["start"])
                if len(starts[name]) > MOST_STARTS:
                    raise CannotStart(f"{name} keeps ending: {_last_words(home, name)}")
            if time.monotonic() > deadline:
                name = waiting[0].name
                raise CannotStart(f"{name} is not ready after {seconds:.0f} s: {_last_words(home, name)}")
            time.sleep(LOOK_EVERY_SECONDS)


def _last_words(home: Home, name: str) -> str:
    log = home.logs / name / "output.log"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f"{lines[-1] if lines else 'it said nothing'} (more in {log})"
