"""Rules of ml-service's findings: room and files of the store, cluster and refunds."""

from pathlib import Path

import pytest

from kit.findings import MEBIBYTE
from ml_service.accounts.sweeper import Comparison
from ml_service.diagnosis import find_cluster, find_files, find_refunds, find_store_room, write_and_read
from ml_service.store.files import Files


@pytest.mark.parametrize(("free", "status"), [(2000, "ok"), (1000, "warning"), (500, "failed")])
def test_room_of_the_store_is_compared_with_what_uploads_need(free: int, status: str) -> None:
    assert find_store_room(free * MEBIBYTE, 512 * MEBIBYTE).status == status


def test_missing_file_is_failed_and_orphan_a_warning() -> None:
    whole = Comparison(3, [], [])
    orphaned = Comparison(3, ["uploads/a"], [])
    damaged = Comparison(3, [], ["artefacts/1-1"])
    assert find_files({"uploads": whole, "artefacts": whole}).status == "ok"
    assert find_files({"uploads": orphaned, "artefacts": whole}).status == "warning"
    both = find_files({"uploads": orphaned, "artefacts": damaged})
    assert (both.status, "artefacts/1-1" in both.detail) == ("failed", True)


def test_cluster_without_workers_is_failed() -> None:
    assert find_cluster(0, "tcp://127.0.0.1:8786", "tcp").status == "failed"
    assert "without TLS" in find_cluster(2, "tcp://127.0.0.1:8786", "tcp").detail
    assert "with TLS" in find_cluster(2, "tls://scheduler:8786", "tls").detail


def test_waiting_refunds_are_a_warning() -> None:
    assert find_refunds(0).status == "ok"
    assert find_refunds(2).status == "warning"


def test_access_to_the_store_leaves_no_file(tmp_path: Path) -> None:
    assert write_and_read(Files(f"file://{tmp_path}/store")).status == "ok"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_store_that_cannot_be_written_is_failed(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"a file in place of the folder")
    finding = write_and_read(Files(f"file://{tmp_path}/store"))
    assert (finding.status, finding.check) == ("failed", "store access")
