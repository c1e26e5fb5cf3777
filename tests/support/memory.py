"""Memory of the processes of a stack."""

import psutil
from bench.memory import Memory

from local.home import Home
from local.supervisor import Supervisor
from tests.support.stack import Stack


def processes_of(stack: Stack) -> dict[str, Memory]:
    """Every process by program and number; empty for a stack outside this machine."""
    if stack.home is None:
        return {}
    states = Supervisor(Home.at(stack.home)).states()
    return {
        f"{name} {number}": Memory(process)
        for name, state in states.items()
        for number, process in enumerate(_family(psutil.Process(state["pid"])))
    }


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]
