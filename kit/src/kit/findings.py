"""Findings about an installation: the results of checks, and the rules that several services share. Pure."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

MEBIBYTE = 1024 * 1024
Status = Literal["ok", "warning", "failed"]
SEVERITY: tuple[Status, ...] = ("ok", "warning", "failed")

# In seconds. Tokens of one machine are refused on another once their clocks differ by two minutes.
CLOCK_WARNING, CLOCK_FAILURE = 5.0, 60.0
# Room of a disk: the larger of the bytes and the share.
ROOM_WARNING = (512 * MEBIBYTE, 0.05)
ROOM_FAILURE = (64 * MEBIBYTE, 0.01)
SET_CLOCK = "Synchronise the clocks of all machines with one time server (NTP)."
VERIFIES = ("verify-ca", "verify-full")


class Finding(BaseModel):
    """The result of one check; `advice` is the next step unless the status is ok."""

    model_config = ConfigDict(frozen=True)

    check: str
    status: Status
    detail: str
    advice: str | None = None


class Diagnosis(BaseModel):
    """A service's findings, and the times of its clock at the request's arrival and at the response."""

    received_at: float
    answered_at: float
    findings: list[Finding]


class Listener(NamedTuple):
    """An address on which a process accepts connections."""

    host: IPv4Address | IPv6Address
    port: int

    @property
    def is_loopback(self) -> bool:
        mapped = self.host.ipv4_mapped if isinstance(self.host, IPv6Address) else None
        return (mapped or self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.host.version == 6 else f"{self.host}:{self.port}"


def ok(check: str, detail: str) -> Finding:
    return Finding(check=check, status="ok", detail=detail)


def warning(check: str, detail: str, advice: str) -> Finding:
    return Finding(check=check, status="warning", detail=detail, advice=advice)


def failed(check: str, detail: str, advice: str) -> Finding:
    return Finding(check=check, status="failed", detail=detail, advice=advice)


def worst(statuses: Sequence[Status]) -> Status:
    return SEVERITY[max((SEVERITY.index(status) for status in statuses), default=0)]


def find_clock(check: str, ahead: float, uncertainty: float) -> Finding:
    """The finding about a clock that is `ahead` seconds, negative if behind, measured with an uncertainty."""
    difference = max(0.0, abs(ahead) - uncertainty)
    if difference <= CLOCK_WARNING:
        return ok(check, "The clocks agree.")
    direction = "ahead of" if ahead > 0 else "behind"
    detail = f"It is {abs(ahead):,.0f} s {direction} the clock of the process that compares."
    return (failed if difference > CLOCK_FAILURE else warning)(check, detail, SET_CLOCK)


def find_room(check: str, free: int, total: int, advice: str) -> Finding:
    """The finding about a disk with so many bytes free."""
    detail = f"{free / MEBIBYTE:,.0f} MiB of {total / MEBIBYTE:,.0f} MiB are free."
    if free < _required(ROOM_FAILURE, total):
        return failed(check, detail, advice)
    return warning(check, detail, advice) if free < _required(ROOM_WARNING, total) else ok(check, detail)


def find_listeners(listeners: Sequence[Listener], *, in_container: bool) -> Finding:
    """The finding about the addresses of a service that only other services need to reach."""
    if not listeners:
        return ok("addresses", "The addresses of this process are not known on this system.")
    detail = f"It listens on {', '.join(str(each) for each in listeners)}."
    if in_container or all(each.is_loopback for each in listeners):
        return ok("addresses", detail)
    advice = "Set HOST=127.0.0.1, or let a firewall admit the machines of the other services only."
    return warning("addresses", f"{detail} Other machines may reach it.", advice)


def find_revision(found: str | None, newest: str) -> Finding:
    """The finding about the revision of the database; revisions are numbers of equal length."""
    if found == newest:
        return ok("migrations", f"The database has revision {found}.")
    detail = f"The database has revision {found or 'none'}, the code {newest}."
    if found is not None and found > newest:
        return warning("migrations", detail, "Finish the upgrade: replace the services of the older release.")
    return failed("migrations", detail, "Run the migrations of this release: python -m migrations")


def find_encryption(*, encrypted: bool, mode: str, on_this_machine: bool) -> Finding:
    """The finding about the connection to the database; `mode` is DB_SSLMODE."""
    state = "encrypted" if encrypted else "not encrypted"
    detail = f"The connection is {state}, DB_SSLMODE is {mode}."
    if on_this_machine or (encrypted and mode in VERIFIES):
        return ok("database TLS", detail)
    if encrypted:
        advice = "Set DB_SSLMODE=verify-full and DB_SSLROOTCERT, so that the server is verified as well."
    else:
        advice = "Set DB_SSLMODE=verify-full and DB_SSLROOTCERT, unless the network is private."
    return warning("database TLS", detail, advice)


def find_connections(used: int, most: int, pool_size: int) -> Finding:
    """The finding about the server's connections; each replica of this service opens up to `pool_size`."""
    detail = f"{used} of {most} connections are open; a replica opens up to {pool_size}."
    advice = "Raise max_connections of PostgreSQL, or lower DB_POOL_SIZE of the services."
    if used >= most:
        return failed("database connections", detail, advice)
    if most - used < pool_size:
        return warning("database connections", detail, advice)
    return ok("database connections", detail)


def _required(least: tuple[int, float], total: int) -> float:
    """The bytes of a disk of this size, at most a quarter of a small one."""
    least_bytes, share = least
    return min(max(least_bytes, total * share), total / 4)
