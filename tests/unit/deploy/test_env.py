"""`make env`: fresh secrets, and those of an existing file stay."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts" / "env", tmp_path / "scripts" / "env")
    return tmp_path


def make_env(folder: Path) -> dict[str, str]:
    subprocess.run([folder / "scripts" / "env"], check=True, capture_output=True)  # noqa: S603 - our own command
    lines = (folder / ".env").read_text().splitlines()
    assert len(lines) == len({line.partition("=")[0] for line in lines})
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_every_secret_that_compose_requires_is_written(folder: Path) -> None:
    written = make_env(folder)
    text = (PROJECT / "docker-compose.yml").read_text()
    required = {part.partition(":?")[0] for part in text.split("${")[1:] if ":?" in part.partition("}")[0]}
    assert required <= written.keys()
    assert yaml.safe_load(text)


def test_secrets_are_distinct_and_readable_by_their_owner_alone(folder: Path) -> None:
    written = make_env(folder)
    secrets = [value for name, value in written.items() if name.endswith(("SECRET", "PASSWORD"))]
    assert len(set(secrets)) == len(secrets) == 8
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def test_missing_secrets_are_added_to_an_earlier_file(folder: Path) -> None:
    (folder / ".env").write_text("JWT_SECRET=kept\nADMIN_PASSWORD=kept, too")
    written = make_env(folder)
    assert (written["JWT_SECRET"], written["ADMIN_PASSWORD"]) == ("kept", "kept, too")
    assert len(written["GRAFANA_PASSWORD"]) == 20
    assert make_env(folder) == written
