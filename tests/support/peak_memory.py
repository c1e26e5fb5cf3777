"""Peak memory of this process."""

from pathlib import Path


def peak_resident() -> int:
    """The most bytes that were resident at once since this program was started.

    `getrusage` would include the memory of the process that started it.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024
