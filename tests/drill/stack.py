"""The stack of a drill: PostgreSQL, a Dask cluster, and two replicas of each service behind links."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

import asyncpg
import httpx

from kit.certificates import ensure_certificates
from local.database import ensure_current_database, migrate
from local.home import Home, load_or_create_secrets
from local.ports import Ports, free_port
from local.postgres import SUPERUSER
from local.programs import DATABASE, POSTGRES, Program, Stack, programs_of
from local.settings import LocalSettings
from local.supervisor import STACK_VARIABLE, end_orphans
from tests.drill.disk import MEBIBYTE, Disk, disks
from tests.drill.network import Link
from tests.drill.programs import Replica, keep_running
from tests.support.stack import ADMIN_NAME, FOR_TESTS
from tests.support.stack import Stack as PublicStack

REPLICAS = 2
SOCKET = ".s.PGSQL.5432"
SERVICES = ("gateway", "auth", "billing", "ml")
PROGRAM_OF = {"gateway": "gateway", "auth": "auth-service", "billing": "billing-service", "ml": "ml-service"}
START_SECONDS = 120
PAUSE_SECONDS = 0.2
HOME_BYTES, STORE_BYTES = 1536 * MEBIBYTE, 512 * MEBIBYTE
# Orphans are deleted within the drill, logins last as long as it, and its disks are small; everything else is
# as in `make up`.
SETTINGS = {
    **FOR_TESTS,
    "JWT_EXP_MINUTES": "240",
    "SWEEP_SECONDS": "2",
    "ORPHAN_MINUTES": "1.5",  # longer than a process is paused
    "MIN_FREE_BYTES": str(8 * MEBIBYTE),
    "MIN_FREE_PERCENT": "1",
}


@dataclass
class DrillStack:
    """Replicas by program, ports by service, and all links; `public` is how people reach it."""

    local: Stack
    public: PublicStack
    replicas: dict[str, list[Replica]]
    ports: dict[str, list[int]]
    links: list[Link]
    home_disk: Disk
    store_disk: Disk

    @property
    def all_replicas(self) -> list[Replica]:
        return [replica for replicas in self.replicas.values() for replica in replicas]

    @property
    def admin_dsn(self) -> str:
        """The address of the database for its superuser, who sees all schemas."""
        password, folder = self.local.secrets["DB_PASSWORD"], self.local.home.postgres_sockets
        return f"postgresql://{SUPERUSER}:{password}@/{DATABASE}?host={folder}"

    async def wait_until_ready(self, within: float) -> float:
        """Wait until every service answers that it is ready; returns the seconds that this took."""
        started = time.monotonic()
        async with httpx.AsyncClient(timeout=5) as http:
            for name, ports in self.ports.items():
                for port in ports:
                    while not await _is_ready(http, port):
                        assert time.monotonic() - started < within, f"{name} at {port} is not ready"
                        await asyncio.sleep(PAUSE_SECONDS)
        return time.monotonic() - started

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.admin_dsn, timeout=10)


async def _is_ready(http: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def running_stack() -> AsyncIterator[DrillStack]:
    """A stack of its own, stopped and removed at the end."""
    with disks(HOME_BYTES, STORE_BYTES) as (home_disk, store_disk):
        stack = _create(home_disk, store_disk)
        servers = [await link.start() for link in stack.links]
        watch = asyncio.create_task(_start(stack))
        try:
            await watch
            watch = asyncio.create_task(keep_running(stack.all_replicas))
            await stack.wait_until_ready(START_SECONDS)
            yield stack
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            for server in servers:
                server.close()
            await _stop(stack)


def _create(home_disk: Disk, store_disk: Disk) -> DrillStack:
    home = Home.at(home_disk.folder / "home")
    ports = _choose_ports()
    settings = LocalSettings(
        farebox_home=home.root, admin_email=ADMIN_NAME, store_url=store_disk.folder.as_uri(), dask_workers=2
    )
    home.create()
    ensure_certificates(home.certificates)
    local = Stack(home, settings, load_or_create_secrets(home.secrets), ports)
    public = PublicStack(
        ports.url("gateway"),
        ADMIN_NAME,
        local.admin_password,
        jwt_secret=local.secrets["JWT_SECRET"],
        service_secret=local.secrets["SERVICE_SECRET"],
        home=home.root,
    )
    own_ports = _ports_of_replicas(ports)
    links = [Link(name, getattr(ports, name), targets) for name, targets in own_ports.items()]
    database, scheduler = _inner_links(home, [*asdict(ports).values(), *chain(*own_ports.values())], ports)
    environment = os.environ | SETTINGS | {STACK_VARIABLE: str(home.root)}
    replicas: dict[str, list[Replica]] = {}
    for program in programs_of(local):
        linked = _through(program, database, scheduler)
        copies = _copies(linked, own_ports)
        replicas[program.name] = [Replica(copy, home.programs, environment) for copy in copies]
    replicas.pop("dashboard")
    return DrillStack(
        local, public, replicas, own_ports, [*links, database, scheduler], home_disk, store_disk
    )


def _ports_of_replicas(ports: Ports) -> dict[str, list[int]]:
    taken = list(asdict(ports).values())
    own: dict[str, list[int]] = {name: [] for name in SERVICES}
    for chosen in own.values():
        for _ in range(REPLICAS):
            chosen.append(free_port(taken))
            taken.append(chosen[-1])
    return own


def _inner_links(home: Home, taken: Sequence[int], ports: Ports) -> tuple[Link, Link]:
    """In front of PostgreSQL and of the scheduler."""
    sockets = home.postgres_sockets
    database = Link("PostgreSQL", home.root / "links" / SOCKET, [sockets / SOCKET])
    return database, Link("the scheduler", free_port(taken), [ports.scheduler])


def _through(program: Program, database: Link, scheduler: Link) -> Program:
    """The program, with these links in place of the addresses."""
    environment = dict(program.environment)
    if "DB_HOST" in environment and isinstance(database.address, Path):
        environment["DB_HOST"] = str(database.address.parent)
    if "DASK_SCHEDULER_ADDRESS" in environment:
        environment["DASK_SCHEDULER_ADDRESS"] = f"tls://127.0.0.1:{scheduler.address}"
    return replace(program, environment=environment)


def _copies(program: Program, own_ports: dict[str, list[int]]) -> Iterator[Program]:
    """The replicas of a service, each on a port of its own; any other program as it is."""
    ports = next((own_ports[name] for name in SERVICES if PROGRAM_OF[name] == program.name), [])
    if not ports:
        yield program
    for number, port in enumerate(ports, start=1):
        name, folder = f"{program.name}-{number}", f"{program.environment['LOG_DIR']}-{number}"
        environment = {**program.environment, "PORT": str(port), "LOG_DIR": folder}
        yield replace(program, name=name, environment=environment)


def _choose_ports() -> Ports:
    names = ("gateway", "auth", "billing", "ml", "scheduler", "dashboard")
    chosen: dict[str, int] = {}
    for name in names:
        chosen[name] = free_port(chosen.values())
    return Ports(**chosen)


async def _start(stack: DrillStack) -> None:
    local = stack.local
    if not local.cluster.exists:
        await asyncio.to_thread(local.cluster.create, local.secrets["DB_PASSWORD"])
    # Processes are started by this thread: they end with the thread that started them.
    stack.replicas[POSTGRES][0].start()
    if not await asyncio.to_thread(ensure_current_database, local):
        await asyncio.to_thread(migrate, local)
    for replica in stack.all_replicas:
        if replica.name != POSTGRES:
            replica.start()


async def _stop(stack: DrillStack) -> None:
    services = [replica for replica in stack.all_replicas if replica.name != POSTGRES]
    await asyncio.gather(*(replica.stop() for replica in services))
    await stack.replicas[POSTGRES][0].stop()
    await asyncio.to_thread(end_orphans, stack.local.home)


def new_seed() -> int:
    return secrets.randbelow(2**31)
