"""Checks of an installation: run each within a time limit; addresses and log folder of this process."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import structlog

from kit.errors import ServiceError
from kit.findings import Finding, Listener, failed, find_listeners, find_room
from kit.outages import describe_outage
from kit.settings import ServiceSettings

CHECK_SECONDS = 15.0
READ_LOG = "Read this service's log."
TABLES = ("tcp", "tcp6")
LISTENING = "0A"
# Docker and Podman create these files; the root of a container is an overlay on other systems, too.
MARKS_OF_CONTAINERS = (".dockerenv", "run/.containerenv")

log = structlog.stdlib.get_logger()


class Check(NamedTuple):
    """A check with the name of the finding that replaces its own when it fails to end."""

    name: str
    run: Callable[[], Awaitable[Sequence[Finding]]]
    seconds: float = CHECK_SECONDS


async def run_checks(checks: Sequence[Check]) -> list[Finding]:
    """The findings of all checks, which run at the same time; a check that raises is a failed finding."""
    results = await asyncio.gather(*(_run(check) for check in checks))
    return [finding for findings in results for finding in findings]


async def _run(check: Check) -> Sequence[Finding]:
    limit = asyncio.timeout(check.seconds)
    try:
        async with limit:
            return await check.run()
    except Exception as error:
        log.warning("check_failed", check=check.name, error=type(error).__name__)
        return [failed(check.name, _reason(error, check.seconds, late=limit.expired()), READ_LOG)]


def _reason(error: Exception, seconds: float, *, late: bool) -> str:
    if late:
        return f"The check did not end within {seconds:.0f} s."
    if isinstance(error, ServiceError):
        return error.detail
    return f"The check ended with an error: {describe_outage(error) or type(error).__name__}."


def process_checks(settings: ServiceSettings) -> list[Check]:
    """Checks of the process itself, for services that only other services need to reach."""

    async def addresses() -> Sequence[Finding]:
        return [find_listeners(await asyncio.to_thread(own_listeners), in_container=is_in_container())]

    return [Check("addresses", addresses), *log_checks(settings)]


def log_checks(settings: ServiceSettings) -> list[Check]:
    folder = settings.log_dir
    if folder is None:
        return []

    async def room() -> Sequence[Finding]:
        usage = await asyncio.to_thread(shutil.disk_usage, folder)
        advice = "Delete old log files, or set LOG_DIR to a folder on a larger disk."
        return [find_room("log folder", usage.free, usage.total, advice)]

    return [Check("log folder", room)]


def own_listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """Addresses on which this process listens; empty on a system without /proc."""
    inodes = set(_sockets(proc / "self" / "fd"))
    found: set[Listener] = set()
    for name in TABLES:
        with suppress(OSError):
            found |= set(parse_listeners((proc / "net" / name).read_text(), inodes))
    return sorted(found, key=lambda each: (each.port, str(each.host)))


def parse_listeners(table: str, inodes: Collection[str]) -> Iterator[Listener]:
    """The listening sockets with these inodes in a table of /proc/net."""
    for line in table.splitlines()[1:]:
        columns = line.split()
        if columns[3] == LISTENING and columns[9] in inodes:
            host, _, port = columns[1].partition(":")
            yield Listener(ip_address(_in_network_order(bytes.fromhex(host))), int(port, 16))


def is_in_container(root: Path = Path("/")) -> bool:
    if any((root / mark).exists() for mark in MARKS_OF_CONTAINERS):
        return True
    with suppress(OSError):
        mounts = (root / "proc/self/mounts").read_text()
        return any(line.split()[1:3] == ["/", "overlay"] for line in mounts.splitlines())
    return False


def _sockets(descriptors: Path) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in descriptors.iterdir():
            # The descriptor of this listing is closed by now.
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target.removeprefix("socket:[").removesuffix("]")


def _in_network_order(address: bytes) -> bytes:
    """The table has words of four bytes in the order of the machine."""
    if sys.byteorder == "big":
        return address
    return b"".join(address[start : start + 4][::-1] for start in range(0, len(address), 4))
