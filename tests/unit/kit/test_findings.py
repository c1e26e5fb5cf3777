"""Rules of findings: clocks, disks, addresses, revisions and connections."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from migrations.history import FOLDER

from kit.checks import Check, is_in_container, parse_listeners, run_checks
from kit.diagnosis import NEWEST_REVISION
from kit.findings import (
    MEBIBYTE,
    Finding,
    Listener,
    find_clock,
    find_connections,
    find_encryption,
    find_listeners,
    find_revision,
    find_room,
    ok,
    worst,
)

GIBIBYTE = 1024 * MEBIBYTE
# Of an x86 machine: 127.0.0.1:8001, 0.0.0.0:8002, an open connection, and a listener of another process.
TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0
   1: 00000000:1F42 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0
   2: 0100007F:1F43 0100007F:1F44 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0
   3: 0100007F:1F45 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0
"""
TABLE6 = """  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 11 1
   1: 0000000000000000FFFF00000100007F:1F42 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 12 1
"""


@pytest.mark.parametrize(
    ("ahead", "uncertainty", "status"),
    [
        (0, 0, "ok"),
        (5, 0, "ok"),
        (-5.5, 0, "warning"),
        (6, 1.5, "ok"),
        (60, 0, "warning"),
        (61, 0, "failed"),
        (-61, 0, "failed"),
        (61, 2, "warning"),
    ],
)
def test_clock_is_judged_by_its_difference_without_the_uncertainty(
    ahead: float, uncertainty: float, status: str
) -> None:
    assert find_clock("clock", ahead, uncertainty).status == status


def test_direction_of_a_wrong_clock_is_reported() -> None:
    assert "90 s behind" in find_clock("clock", -90, 0).detail
    assert "90 s ahead" in find_clock("clock", 90, 0).detail


@pytest.mark.parametrize(
    ("free", "total", "status"),
    [
        (6 * GIBIBYTE, 100 * GIBIBYTE, "ok"),
        (4 * GIBIBYTE, 100 * GIBIBYTE, "warning"),
        (GIBIBYTE // 2, 100 * GIBIBYTE, "failed"),
        (400 * MEBIBYTE, 4 * GIBIBYTE, "warning"),
        (60 * MEBIBYTE, 4 * GIBIBYTE, "failed"),
        (40 * MEBIBYTE, 64 * MEBIBYTE, "ok"),
    ],
)
def test_room_of_a_disk_is_judged_by_bytes_and_share(free: int, total: int, status: str) -> None:
    assert find_room("disk", free, total, "Delete something.").status == status


@pytest.mark.parametrize(
    ("host", "in_container", "status"),
    [
        ("127.0.0.1", False, "ok"),
        ("::1", False, "ok"),
        ("::ffff:127.0.0.1", False, "ok"),
        ("0.0.0.0", False, "warning"),  # noqa: S104 - a value to judge
        ("::", False, "warning"),
        ("10.0.0.7", False, "warning"),
        ("0.0.0.0", True, "ok"),  # noqa: S104 - a value to judge
    ],
)
def test_address_beyond_loopback_is_a_warning_outside_of_a_container(
    host: str, in_container: bool, status: str
) -> None:
    finding = find_listeners([Listener(ip_address(host), 8001)], in_container=in_container)
    assert finding.status == status
    assert "8001" in finding.detail


@pytest.mark.parametrize(
    ("found", "status"), [("0017", "ok"), ("0016", "failed"), (None, "failed"), ("0018", "warning")]
)
def test_revision_is_compared_with_that_of_the_code(found: str | None, status: str) -> None:
    assert find_revision(found, "0017").status == status


def test_newest_revision_is_that_of_the_migrations() -> None:
    names = [path.name for path in (FOLDER / "versions").glob("[0-9]*.py")]
    assert max(names).partition("_")[0] == NEWEST_REVISION


@pytest.mark.parametrize(
    ("encrypted", "mode", "is_near", "status"),
    [
        (True, "verify-full", False, "ok"),
        (True, "require", False, "warning"),
        (False, "prefer", False, "warning"),
        (False, "prefer", True, "ok"),
    ],
)
def test_unverified_connection_to_another_machine_is_a_warning(
    encrypted: bool, mode: str, is_near: bool, status: str
) -> None:
    assert find_encryption(encrypted=encrypted, mode=mode, on_this_machine=is_near).status == status


@pytest.mark.parametrize(("used", "status"), [(10, "ok"), (87, "ok"), (88, "warning"), (97, "failed")])
def test_connections_must_leave_room_for_another_replica(used: int, status: str) -> None:
    assert find_connections(used, most=97, pool_size=10).status == status


def test_worst_status_counts() -> None:
    assert worst(["ok", "failed", "warning"]) == "failed"
    assert worst([]) == "ok"


def test_only_listening_sockets_of_the_process_are_read() -> None:
    listeners = parse_listeners(TABLE, {"11", "12", "13"})
    assert [str(each) for each in listeners] == ["127.0.0.1:8001", "0.0.0.0:8002"]


def test_ipv6_addresses_are_read() -> None:
    listeners = list(parse_listeners(TABLE6, {"11", "12"}))
    assert str(listeners[0]) == "[::1]:8001"
    assert all(each.is_loopback for each in listeners)


@pytest.mark.parametrize(
    ("mounts", "is_container"),
    [("overlay / overlay rw 0 0\n", True), ("/dev/vda / ext4 rw 0 0\noverlay /x overlay rw 0 0\n", False)],
)
def test_container_is_recognised_by_its_root(tmp_path: Path, mounts: str, is_container: bool) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "mounts").write_text(mounts)
    assert is_in_container(tmp_path) is is_container


def test_container_is_recognised_by_the_file_of_docker(tmp_path: Path) -> None:
    (tmp_path / ".dockerenv").touch()
    assert is_in_container(tmp_path)


async def test_check_that_raises_is_a_failed_finding_among_the_others() -> None:
    async def succeed() -> list[Finding]:
        return [ok("first", "It works.")]

    async def fail() -> list[Finding]:
        raise RuntimeError("secret words")

    first, second = await run_checks([Check("first", succeed), Check("second", fail)])
    assert (first.status, second.check, second.status) == ("ok", "second", "failed")
    assert "RuntimeError" in second.detail
    assert "secret" not in second.detail
