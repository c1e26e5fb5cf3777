"""Supervisor keeps the programs running: whatever dies is started again."""

import configparser
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from local.failures import CannotStart
from local.home import Home
from local.programs import Program

# Marks every process of a stack, so that they can be found when supervisor itself was killed.
MARK = "FAREBOX_STACK"
ANSWER_SECONDS = 20
STOP_SECONDS = 25  # a service ends its requests within 20
FOREVER = 1_000_000


class Supervisor:
    def __init__(self, home: Home) -> None:
        self._home = home

    def start(self, programs: Sequence[Program]) -> None:
        """Start supervisor itself, as a daemon; the programs wait to be started."""
        path = self._home.programs / "supervisor.conf"
        with path.open("w") as file:
            _configuration(self._home, programs).write(file)
        # Killed at its last run, it left this; a socket nobody answers on would be waited for.
        self._home.supervisor_socket.unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(path)]
        environment = os.environ | {MARK: str(self._home.root)}
        started = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if started.returncode != 0:
            raise CannotStart(f"Supervisor did not start: {started.stdout}{started.stderr}".strip())
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise CannotStart(f"Supervisor does not answer; see {self._home.logs / 'supervisor.log'}.")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            self._call("getPID")
        except OSError:
            return False
        return True

    def run(self, name: str) -> None:
        try:
            self._call("startProcess", name, False)
        except Fault as fault:
            raise CannotStart(f"{name} does not start: {fault.faultString}.") from None

    def pid(self) -> int:
        return self._call("getPID")

    def states(self) -> dict[str, dict[str, Any]]:  # Any: supervisor's own answer
        return {each["name"]: each for each in self._call("getAllProcessInfo")}

    def shut_down(self) -> None:
        """Ask it to stop the programs and then itself; it answers at once."""
        self._call("shutdown")

    def _call(self, method: str, *arguments: object) -> Any:  # Any: as above
        transport = SupervisorTransport(serverurl=f"unix://{self._home.supervisor_socket}")
        with ServerProxy("http://supervisor", transport=transport) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _configuration(home: Home, programs: Sequence[Program]) -> configparser.RawConfigParser:
    config = configparser.RawConfigParser()
    config["unix_http_server"] = {"file": _literal(home.supervisor_socket), "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisord"] = {
        "logfile": _literal(home.logs / "supervisor.log"),
        "pidfile": _literal(home.sockets / "supervisor.pid"),
        "childlogdir": _literal(home.logs),
        "nocleanup": "true",
        # Said out loud only because supervisor warns root who says nothing.
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    for priority, program in enumerate(programs, start=1):
        config[f"program:{program.name}"] = _program(home, program) | {"priority": str(priority)}
    return config


def _program(home: Home, program: Program) -> dict[str, str]:
    folder = home.logs / program.name
    folder.mkdir(parents=True, exist_ok=True)
    launch = [sys.executable, "-P", "-m", "local.launch", str(home.programs / f"{program.name}.json")]
    return {
        "command": _literal(shlex.join(launch)),
        "directory": "/",
        "autostart": "false",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": str(FOREVER),
        "stopsignal": program.stops_by,
        "stopwaitsecs": str(STOP_SECONDS),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _literal(folder / "output.log"),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "1",
    }


def _literal(text: object) -> str:
    """Supervisor expands what begins with a percent sign."""
    return str(text).replace("%", "%%")
