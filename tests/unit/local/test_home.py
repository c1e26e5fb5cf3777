import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.credentials import NAMES, load_or_make
from local.files import write_private
from local.home import Home
from local.ports import Ports
from local.state import Running

LONGEST_SOCKET_PATH = 107


@pytest.mark.parametrize("length", [1, 40, 75, 76, 77, 78, 79, 80, 200])
def test_a_socket_fits_however_long_the_home_is(tmp_path: Path, length: int) -> None:
    home = Home.at(tmp_path / ("x" * length))
    for socket in (
        home.postgres_sockets / ".s.PGSQL.5432",
        home.supervisor_socket.with_name("supervisor.4194304"),
    ):
        assert len(os.fsencode(socket)) <= LONGEST_SOCKET_PATH


def test_two_long_homes_do_not_share_sockets(tmp_path: Path) -> None:
    one, other = (Home.at(tmp_path / ("x" * 200) / name) for name in ("one", "other"))
    assert one.sockets != other.sockets


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.at(tmp_path / "home")
    home.make()
    yield home
    shutil.rmtree(home.sockets)


def test_a_home_keeps_itself_out_of_git(home: Home) -> None:
    assert (home.root / ".gitignore").read_text() == "*\n"


def test_a_home_is_for_its_owner_alone(home: Home) -> None:
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_secrets_are_made_once_and_kept(tmp_path: Path) -> None:
    made = load_or_make(tmp_path / "secrets.env")
    assert load_or_make(tmp_path / "secrets.env") == made
    assert set(made) == set(NAMES)


def test_no_two_secrets_are_alike(tmp_path: Path) -> None:
    assert len(set(load_or_make(tmp_path / "secrets.env").values())) == len(NAMES)


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    load_or_make(tmp_path / "secrets.env")
    assert stat.S_IMODE((tmp_path / "secrets.env").stat().st_mode) == 0o600


def test_a_new_secret_joins_the_kept_ones(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets.env", "JWT_SECRET=kept=as=it=is\n")
    assert load_or_make(tmp_path / "secrets.env")["JWT_SECRET"] == "kept=as=it=is"
    assert "DB_PASSWORD" in load_or_make(tmp_path / "secrets.env")


def test_a_private_file_replaces_one_that_others_could_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_up_left_is_found_again(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    running = Running(Ports(1, 2, 3, 4, 5, 6), "admin@example.org")
    running.save(home)
    assert Running.load(home) == running
