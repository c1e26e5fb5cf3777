"""Processes of the stack, which are started again when they end, as by any supervisor."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from kit.fault_points import VARIABLE
from local.programs import Program, write_program_file

WATCH_SECONDS = 0.5
STOP_SECONDS = 30


@dataclass
class Replica:
    """One process of a program.

    `skew` are the seconds by which its clock is ahead, `fault_point` is where its next process stops working.
    """

    program: Program
    folder: Path
    environment: dict[str, str]
    skew: int = 0
    fault_point: str = ""
    starts: int = 0
    is_wanted: bool = True
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def start(self) -> None:
        environment = {**self.program.environment, **self._clock(), VARIABLE: self.fault_point}
        program = replace(self.program, environment=environment)
        file = write_program_file(program, self.folder)
        command = [sys.executable, "-P", "-m", "local.launch", str(file)]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd="/", env=self.environment | self._clock(), stdout=log, stderr=log
            )
        self.starts += 1

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def send_to_workers(self, number: signal.Signals) -> int:
        """Signal the largest process that works for this one; returns how many there are."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            workers = psutil.Process(self._process.pid).children(recursive=True)
            if workers:
                max(workers, key=lambda worker: worker.memory_info().rss).send_signal(number)
            return len(workers)
        return 0

    def all_processes(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        return []

    async def stop(self) -> None:
        """Stop gracefully; after STOP_SECONDS kill."""
        self.is_wanted = False
        number = signal.SIGINT if self.program.stop_signal == "INT" else signal.SIGTERM
        self.send(signal.SIGCONT)
        self.send(number)
        for _ in range(int(STOP_SECONDS / 0.1)):
            if self.has_ended:
                return
            await asyncio.sleep(0.1)
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    async def restart(self) -> None:
        await self.stop()
        self.start()
        self.is_wanted = True

    def _clock(self) -> dict[str, str]:
        if self.skew == 0:
            return {}
        # Only the time of day: a clock that is set wrong does not change the monotonic one.
        return {
            "LD_PRELOAD": FAKE_CLOCK,
            "FAKETIME": f"{self.skew:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


# Of Debian's package libfaketime; `$LIB` is expanded by the loader.
FAKE_CLOCK = f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"


def can_skew_clocks() -> bool:
    return Path(FAKE_CLOCK).exists()


async def keep_running(replicas: list[Replica]) -> None:
    """Start ended replicas again, until cancelled."""
    while True:
        for replica in replicas:
            if replica.is_wanted and replica.has_ended:
                # On a full disk the program's file cannot be written yet.
                with suppress(OSError):
                    replica.start()
        await asyncio.sleep(WATCH_SECONDS)
