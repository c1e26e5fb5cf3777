"""PostgreSQL of root: another account runs it, without a step through closed folders."""

from pathlib import Path

import pytest

from local import postgres
from local.errors import PostgresFailed
from local.postgres import CURRENT_FOLDER, Cluster, is_open_to_all


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "postgres", tmp_path / "run" / "postgres")


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs in a closed folder, as below /root."""
    installed = tmp_path / "closed" / "pginstall18"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "postgres").touch(0o700)
    (installed / "share.sql").touch(0o600)
    installed.parent.chmod(0o700)
    return installed


@pytest.mark.usefixtures("as_root")
def test_server_of_root_has_no_path_through_the_home(cluster: Cluster) -> None:
    assert str(cluster.data.parent) not in " ".join(cluster.command())
    assert f"unix_socket_directories={CURRENT_FOLDER}" in cluster.command()
    assert cluster.sockets.readlink() == cluster.data


@pytest.mark.usefixtures("as_root")
def test_socket_folder_of_an_earlier_version_is_replaced(cluster: Cluster) -> None:
    cluster.sockets.mkdir(parents=True)
    (cluster.sockets / ".s.PGSQL.5432.lock").touch()
    cluster.command()
    assert cluster.sockets.is_symlink()


def test_server_of_an_ordinary_user_has_its_own_socket_folder(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert f"unix_socket_directories={cluster.sockets}" in cluster.command()
    assert cluster.sockets.is_dir()


def test_program_in_a_closed_folder_is_not_open_to_all(programs: Path) -> None:
    assert not is_open_to_all(programs / "bin" / "postgres")
    assert is_open_to_all(Path("/bin/sh").resolve())


def test_closed_programs_are_copied_and_their_folder_stays_closed(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PROGRAMS", tmp_path / "open")
    copy = postgres.copy_programs(programs)
    assert copy.parent == tmp_path / "open"
    modes = {path.name: path.stat().st_mode & 0o777 for path in copy.rglob("*")}
    assert modes == {"bin": 0o755, "postgres": 0o755, "share.sql": 0o644}
    assert programs.parent.stat().st_mode & 0o777 == 0o700
    assert postgres.copy_programs(programs) == copy


def test_programs_that_cannot_be_copied_are_reported(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(postgres, "PROGRAMS", tmp_path / "file" / "below")
    with pytest.raises(PostgresFailed, match="Use an ordinary account, or a project folder open to all"):
        postgres.copy_programs(programs)
