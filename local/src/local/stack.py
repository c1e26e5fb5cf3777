"""Start and stop of the whole stack."""

import contextlib
import fcntl
import json
import shutil
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import psutil

from kit.certificates import ensure_certificates
from local.database import ensure_current_database, migrate
from local.errors import CannotStart, NotRunning
from local.home import Home, load_or_create_secrets, write_private
from local.ports import Ports, choose_ports
from local.programs import POSTGRES, Stack, programs_of, write_program_file
from local.settings import LocalSettings
from local.supervisor import STOP_SECONDS, Supervisor, end_orphans, wait_until_ready

Report = Callable[[str], None]


@dataclass(frozen=True)
class RunningStack:
    """A started stack, stored in its home for later commands."""

    ports: Ports
    admin_email: str

    def save(self, home: Home) -> None:
        write_private(home.state, json.dumps(asdict(self)))

    @classmethod
    def load(cls, home: Home) -> "RunningStack | None":
        if not home.state.exists():
            return None
        stored = json.loads(home.state.read_text())
        return cls(Ports(**stored["ports"]), stored["admin_email"])


def find_running(home: Home) -> RunningStack | None:
    return RunningStack.load(home) if Supervisor(home).answers() else None


def up(settings: LocalSettings, report: Report, *, prefer_defaults: bool = True) -> Stack:
    """Start the stack and return when it is ready; `report` is called with each step."""
    home = Home.at(settings.farebox_home)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _exclusive(home):
        _stop(home)
        home.create()
        ensure_certificates(home.certificates)
        ports = choose_ports(settings, prefer_defaults=prefer_defaults)
        stack = Stack(home, settings, load_or_create_secrets(home.secrets), ports)
        try:
            _start(stack, report)
        except BaseException:
            # Also on Ctrl-C, since a half-started stack is useless.
            _stop(home)
            raise
        RunningStack(ports, settings.admin_email).save(home)
    return stack


def down(home: Home) -> bool:
    """Stop the stack; False when nothing was running."""
    if not home.root.exists():
        return False
    with _exclusive(home):
        return _stop(home)


def migrate_running(settings: LocalSettings) -> None:
    home = Home.at(settings.farebox_home)
    running = find_running(home)
    if running is None:
        raise NotRunning("Farebox is not running; run 'make up' first.")
    migrate(Stack(home, settings, load_or_create_secrets(home.secrets), running.ports))


def _start(stack: Stack, report: Report) -> None:
    programs = programs_of(stack)
    for program in programs:
        write_program_file(program, stack.home.programs)
    supervisor = Supervisor(stack.home)
    supervisor.start(programs)
    report("Starting the database, and all programs that do without")
    with ThreadPoolExecutor() as threads:
        database = threads.submit(_start_database, stack, supervisor, report)
        for program in programs:
            if program.name != POSTGRES and not program.needs_database:
                supervisor.start_program(program.name)
        database.result()
    report("Starting the services")
    for program in programs:
        if program.needs_database:
            supervisor.start_program(program.name)
    wait_until_ready(supervisor, stack.home, programs, stack.settings.start_seconds)


def _start_database(stack: Stack, supervisor: Supervisor, report: Report) -> None:
    if not stack.cluster.exists:
        report("Creating the database cluster")
        stack.cluster.create(stack.secrets["DB_PASSWORD"])
    supervisor.start_program(POSTGRES)
    if not ensure_current_database(stack):
        report("Migrating the database")
        migrate(stack)


def _stop(home: Home) -> bool:
    home.state.unlink(missing_ok=True)
    supervisor = Supervisor(home)
    was_running = supervisor.answers()
    if was_running:
        process = psutil.Process(supervisor.pid())
        supervisor.shut_down()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout=2 * STOP_SECONDS)
    orphans = end_orphans(home)
    shutil.rmtree(home.sockets, ignore_errors=True)
    return orphans > 0 or was_running


@contextlib.contextmanager
def _exclusive(home: Home) -> Generator[None]:
    """Allow one `up` or `down` at a time; the lock ends with its process."""
    with (home.root / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another 'up' or 'down' is in progress in {home.root}.") from None
        yield
