"""`python -m local.launch FILE`: replace this process by the program that the file describes.

Supervisor's own configuration would expose the secrets, and could not end a program together with supervisor.
This module runs before every start and restart of a program, so it imports little.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # the signal sent when the parent dies


def launch(file: Path) -> None:
    command = prepare(file)
    os.execvp(command[0], command)  # noqa: S606 - our own command


def prepare(file: Path) -> list[str]:
    """Give this process the program's folder, account and environment; returns its command."""
    program = json.loads(file.read_text())
    # Load the library first: the new account may not be able to read it.
    library = ctypes.CDLL(None)
    if program["folder"] is not None:
        # Before the change of account, which may not be able to enter the folders above.
        os.chdir(program["folder"])
    if program["account"] is not None:
        user, group = program["account"]
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    supervisor = os.getppid()
    if sys.platform == "linux":
        # On other systems `down` and the next `up` end the programs of a killed supervisor.
        library.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        sys.exit("Supervisor has exited.")
    os.environ.update(program["environment"])
    return program["command"]


if __name__ == "__main__":
    launch(Path(sys.argv[1]))
