"""`python -m local.launch FILE` becomes the program that the file describes.

Supervisor's own configuration would show the secrets, and could not tie a program's life to supervisor's.
This module runs before each start, also after a crash, so it imports little.
"""

import ctypes
import json
import os
import signal
import sys
from pathlib import Path

SET_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG


def launch(file: Path) -> None:
    program = json.loads(file.read_text())
    # Loaded before the account changes: another one may not be able to read it.
    library = ctypes.CDLL(None)
    if program["account"] is not None:
        user, group = program["account"]
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    supervisor = os.getppid()
    if sys.platform == "linux":
        # Linux only; elsewhere `down` and the next `up` end what a killed supervisor left behind.
        library.prctl(SET_SIGNAL_AT_PARENTS_DEATH, signal.SIGTERM)
    if os.getppid() != supervisor:
        sys.exit("Supervisor is gone.")
    command = program["command"]
    os.execvpe(command[0], command, os.environ | program["environment"])  # noqa: S606 - our own command


if __name__ == "__main__":
    launch(Path(sys.argv[1]))
