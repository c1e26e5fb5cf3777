"""Home of a stack: sockets, secrets and private files."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import CannotStart
from local.home import SECRET_NAMES, Home, load_or_create_secrets, write_private
from local.ports import Ports
from local.stack import RunningStack

LONGEST_SOCKET_PATH = 107


@pytest.mark.parametrize("length", [1, 40, 75, 76, 77, 78, 79, 80, 200])
def test_socket_path_fits_for_any_length_of_home(tmp_path: Path, length: int) -> None:
    home = Home.at(tmp_path / ("x" * length))
    for socket in (
        home.postgres_sockets / ".s.PGSQL.5432",
        home.supervisor_socket.with_name("supervisor.4194304"),
    ):
        assert len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH


def test_two_long_homes_have_separate_sockets(tmp_path: Path) -> None:
    one, other = (Home.at(tmp_path / ("x" * 200) / name) for name in ("one", "other"))
    assert one.sockets != other.sockets


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.at(tmp_path / "home")
    home.create()
    yield home
    shutil.rmtree(home.sockets)


def test_home_is_ignored_by_git(home: Home) -> None:
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_folders_are_readable_by_their_owner_alone(home: Home) -> None:
    folders = [home.root, *(path for path in home.root.iterdir() if path.is_dir())]
    assert len(folders) >= 5
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_folders_of_an_earlier_version_are_closed(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    for folder in (home.root, home.logs, home.store, home.scratch):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
    home.create()
    assert {
        stat.S_IMODE(path.stat().st_mode) for path in (home.root, home.logs, home.store, home.scratch)
    } == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
def test_link_of_another_user_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    home, target = Home.at(tmp_path / "home"), tmp_path / "target"
    home.root.mkdir()
    target.mkdir(mode=0o755)
    home.sockets.symlink_to(target)
    os.lchown(home.sockets, 65534, 65534)
    with pytest.raises(CannotStart, match="belongs to another user"):
        home.create()
    assert stat.S_IMODE(target.stat().st_mode) == 0o755


def test_secrets_are_created_once(tmp_path: Path) -> None:
    created = load_or_create_secrets(tmp_path / "secrets.env")
    assert load_or_create_secrets(tmp_path / "secrets.env") == created
    assert set(created) == set(SECRET_NAMES)


def test_secrets_are_distinct(tmp_path: Path) -> None:
    assert len(set(load_or_create_secrets(tmp_path / "secrets.env").values())) == len(SECRET_NAMES)


def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    load_or_create_secrets(tmp_path / "secrets.env")
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600


def test_missing_secret_is_added_to_the_stored_ones(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets.env", "JWT_SECRET=stored=as=it=is\n")
    assert load_or_create_secrets(tmp_path / "secrets.env")["JWT_SECRET"] == "stored=as=it=is"
    assert "DB_PASSWORD" in load_or_create_secrets(tmp_path / "secrets.env")


def test_private_file_replaces_a_readable_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_running_stack_is_saved_and_loaded(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    stack = RunningStack(Ports(1, 2, 3, 4, 5, 6), "admin@example.org")
    stack.save(home)
    assert RunningStack.load(home) == stack
