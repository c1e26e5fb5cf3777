"""Up and down of the whole stack."""

import contextlib
import fcntl
import shutil
from collections.abc import Callable, Generator

import psutil

from local.credentials import load_or_make
from local.database import ensure_database, migrate
from local.failures import CannotStart, NotRunning
from local.home import Home
from local.leftovers import end_leftovers
from local.ports import choose_ports
from local.programs import POSTGRES, Stack, describe, programs_of
from local.readiness import wait_until_ready
from local.settings import LocalSettings
from local.state import Running
from local.supervisor import STOP_SECONDS, Supervisor

Say = Callable[[str], None]


def find_running(home: Home) -> Running | None:
    return Running.load(home) if Supervisor(home).answers() else None


def up(settings: LocalSettings, say: Say, *, prefer_defaults: bool = True) -> Stack:
    """Start everything and return when it is ready; on the way, `say` is told each step."""
    home = Home.at(settings.farebox_home)
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(home):
        _stop(home)
        home.make()
        ports = choose_ports(settings, prefer_defaults=prefer_defaults)
        stack = Stack(home, settings, load_or_make(home.secrets), ports)
        try:
            _start(stack, say)
        except BaseException:
            # Whatever broke the start, Ctrl-C among it, a half-started stack is of no use to anybody.
            _stop(home)
            raise
        Running(ports, settings.admin_email).save(home)
    return stack


def down(home: Home) -> bool:
    """Stop everything; False when nothing ran."""
    if not home.root.exists():
        return False
    with _only_one(home):
        return _stop(home)


def migrate_running(settings: LocalSettings) -> None:
    home = Home.at(settings.farebox_home)
    running = find_running(home)
    if running is None:
        raise NotRunning("Nothing is up here; run 'make up' first.")
    migrate(Stack(home, settings, load_or_make(home.secrets), running.ports))


def _start(stack: Stack, say: Say) -> None:
    if not stack.cluster.exists:
        say("Creating the database cluster")
        stack.cluster.create(stack.secrets["DB_PASSWORD"])
    programs = programs_of(stack)
    for program in programs:
        describe(program, stack.home.programs)
    supervisor = Supervisor(stack.home)
    supervisor.start(programs)
    say("Starting PostgreSQL")
    supervisor.run(POSTGRES)
    ensure_database(stack)
    say("Migrating the database")
    migrate(stack)
    say("Starting the services and the workers")
    for program in programs:
        if program.name != POSTGRES:
            supervisor.run(program.name)
    wait_until_ready(supervisor, stack.home, programs, stack.settings.start_seconds)


def _stop(home: Home) -> bool:
    home.state.unlink(missing_ok=True)
    supervisor = Supervisor(home)
    stopping = supervisor.answers()
    if stopping:
        process = psutil.Process(supervisor.pid())
        supervisor.shut_down()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(timeout=2 * STOP_SECONDS)
    left = end_leftovers(home)
    shutil.rmtree(home.sockets, ignore_errors=True)
    return left > 0 or stopping


@contextlib.contextmanager
def _only_one(home: Home) -> Generator[None]:
    """One `up` or `down` at a time; the lock ends with its process."""
    with (home.root / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another 'up' or 'down' is at work in {home.root}.") from None
        yield
