"""Supervisor: start the programs, restart them after a crash, and end those of a killed supervisor."""

import configparser
import contextlib
import http.client
import os
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from local.errors import CannotStart
from local.home import Home
from local.programs import Program

# An environment variable of every process of a stack, to find them without supervisor.
STACK_VARIABLE = "FAREBOX_STACK"
START_SECONDS = 20
RESPONSE_SECONDS = 2
STOP_SECONDS = 25  # a service ends its requests within 20
GRACE_SECONDS = 10
READY_POLL_SECONDS = 0.1
UNLIMITED = 1_000_000
# A program that needed more starts than this will not recover by itself.
MAX_STARTS = 5


class Supervisor:
    def __init__(self, home: Home) -> None:
        self._home = home

    def start(self, programs: Sequence[Program]) -> None:
        """Start supervisor as a daemon; `start_program` then starts each program."""
        path = self._home.programs / "supervisor.conf"
        with path.open("w") as file:
            configuration(self._home, programs).write(file)
        # A killed supervisor leaves its socket behind, and a connection to it would wait.
        self._home.supervisor_socket.unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "local.forking", "-c", str(path)]
        environment = os.environ | {STACK_VARIABLE: str(self._home.root)}
        completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if completed.returncode != 0:
            raise CannotStart(f"Supervisor did not start: {completed.stdout}{completed.stderr}".strip())
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise CannotStart(f"Supervisor does not respond; see {self._home.logs / 'supervisor.log'}.")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            self._call("getPID")
        except OSError:
            return False
        return True

    def start_program(self, name: str) -> None:
        try:
            self._call("startProcess", name, False)
        except Fault as fault:
            raise CannotStart(f"{name} does not start: {fault.faultString}.") from None

    def pid(self) -> int:
        return self._call("getPID")

    def states(self) -> dict[str, dict[str, Any]]:  # Any: supervisor's own response
        return {state["name"]: state for state in self._call("getAllProcessInfo")}

    def shut_down(self) -> None:
        """Request a shutdown of the programs and of supervisor, without waiting for it."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:  # Any: as above
        transport = SupervisorTransport(serverurl=f"unix://{self._home.supervisor_socket}")
        with ServerProxy("http://supervisor", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def wait_until_ready(supervisor: Supervisor, home: Home, programs: Sequence[Program], seconds: float) -> None:
    """Return when every program with a `ready_url` is ready; raises CannotStart."""
    deadline = time.monotonic() + seconds
    starts: dict[str, set[int]] = defaultdict(set)
    pending = [program for program in programs if program.ready_url is not None]
    while pending := [program for program in pending if not responds(program.ready_url or "")]:
        for name, state in supervisor.states().items():
            starts[name].add(state["start"])
            if len(starts[name]) > MAX_STARTS:
                raise CannotStart(f"{name} keeps exiting: {_last_log_line(home, name)}")
        if time.monotonic() > deadline:
            name = pending[0].name
            raise CannotStart(f"{name} is not ready after {seconds:.0f} s: {_last_log_line(home, name)}")
        time.sleep(READY_POLL_SECONDS)


def responds(url: str) -> bool:
    """Whether the address responds 200; without httpx, whose import takes 0.1 s of each command."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=RESPONSE_SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_log_line(home: Home, name: str) -> str:
    log = home.output_log(name)
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f"{lines[-1] if lines else 'no output'} (more in {log})"


def end_orphans(home: Home) -> int:
    """Terminate every process of this stack, and kill it if it does not end; returns their number."""
    orphans = list(processes_of(home))
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(orphans, timeout=GRACE_SECONDS)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    return len(orphans)


def processes_of(home: Home) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(STACK_VARIABLE) == str(home.root):
                yield process


def configuration(home: Home, programs: Sequence[Program]) -> configparser.RawConfigParser:
    config = configparser.RawConfigParser()
    config["unix_http_server"] = {"file": _escape(home.supervisor_socket), "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisord"] = {
        "logfile": _escape(home.logs / "supervisor.log"),
        "pidfile": _escape(home.sockets / "supervisor.pid"),
        "childlogdir": _escape(home.logs),
        "nocleanup": "true",
        "umask": "077",
        # Without it supervisor warns when started by root.
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    for priority, program in enumerate(programs, start=1):
        config[f"program:{program.name}"] = _program_section(home, program) | {"priority": str(priority)}
    return config


def _program_section(home: Home, program: Program) -> dict[str, str]:
    log = home.output_log(program.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    launch = [sys.executable, "-P", "-m", "local.launch", str(home.programs / f"{program.name}.json")]
    return {
        "command": _escape(shlex.join(launch)),
        "directory": "/",
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(UNLIMITED),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(STOP_SECONDS),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _escape(log),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "1",
    }


def _escape(text: object) -> str:
    """Escape percent signs, which supervisor would expand."""
    return str(text).replace("%", "%%")
