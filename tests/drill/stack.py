"""The stack of a drill: PostgreSQL, a Dask cluster, and two replicas of each service behind links."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace

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
SERVICES = ("gateway", "auth", "billing", "ml")
PROGRAM_OF = {"gateway": "gateway", "auth": "auth-service", "billing": "billing-service", "ml": "ml-service"}
START_SECONDS = 120
PAUSE_SECONDS = 0.2
HOME_BYTES, STORE_BYTES = 1536 * MEBIBYTE, 512 * MEBIBYTE
# Orphans are deleted within the drill, and its disks are small; everything else is as in `make up`.
SETTINGS = {
    **FOR_TESTS,
    "SWEEP_SECONDS": "2",
    "ORPHAN_MINUTES": "1.5",  # longer than a process is paused
    "MIN_FREE_BYTES": str(8 * MEBIBYTE),
    "MIN_FREE_PERCENT": "1",
}


@dataclass
class DrillStack:
    """Replicas by program, links by service; `public` is how people reach it."""

    local: Stack
    public: PublicStack
    replicas: dict[str, list[Replica]]
    links: dict[str, Link]
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
            for name, link in self.links.items():
                for port in link.targets:
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
        servers = [await link.start() for link in stack.links.values()]
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
    links = {name: Link(name, getattr(ports, name), []) for name in SERVICES}
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
    environment = os.environ | SETTINGS | {STACK_VARIABLE: str(home.root)}
    replicas: dict[str, list[Replica]] = {}
    for program in programs_of(local):
        copies = list(_copies(program, links, ports))
        replicas[program.name] = [Replica(copy, home.programs, environment) for copy in copies]
    replicas.pop("dashboard")
    return DrillStack(local, public, replicas, links, home_disk, store_disk)


def _copies(program: Program, links: dict[str, Link], ports: Ports) -> Iterator[Program]:
    """The replicas of a service, each on a port of its own; any other program as it is."""
    link = next((link for name, link in links.items() if PROGRAM_OF[name] == program.name), None)
    if link is None:
        yield program
        return
    for number in range(1, REPLICAS + 1):
        taken = [*asdict(ports).values(), *(port for other in links.values() for port in other.targets)]
        port = free_port(taken)
        link.targets.append(port)
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
