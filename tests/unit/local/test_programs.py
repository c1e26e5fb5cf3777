import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.credentials import load_or_make
from local.home import Home
from local.ports import Ports
from local.programs import Program, Stack, describe, programs_of
from local.settings import LocalSettings
from local.supervisor import _configuration

SERVICES = ("auth-service", "billing-service", "ml-service")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.at(tmp_path / "a 100% odd home")
    home.make()
    yield home
    shutil.rmtree(home.sockets)


@pytest.fixture
def stack(home: Home, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in ("JWT_SECRET", "SERVICE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    settings = LocalSettings.model_validate({"farebox_home": home.root, "dask_workers": 3})
    return Stack(home, settings, load_or_make(home.secrets), Ports(8000, 8001, 8002, 8003, 8786, 8501))


def named(stack: Stack) -> dict[str, Program]:
    return {program.name: program for program in programs_of(stack)}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_gets_the_password_of_its_own_role_only(stack: Stack, service: str) -> None:
    told = named(stack)[service].environment
    own = f"{service.partition('-')[0].upper()}_DB_PASSWORD"
    assert told["DB_PASSWORD"] == stack.secrets[own]
    others = {value for name, value in stack.secrets.items() if name.endswith("DB_PASSWORD") and name != own}
    assert not others & set(told.values())


def test_the_gateway_gets_no_database(stack: Stack) -> None:
    assert not [name for name in named(stack)["gateway"].environment if name.startswith("DB_")]


def test_only_auth_service_learns_the_administrators_password(stack: Stack) -> None:
    knowing = [p.name for p in programs_of(stack) if stack.admin_password in p.environment.values()]
    assert knowing == ["auth-service"]


def test_workers_get_no_secret(stack: Stack) -> None:
    told = named(stack)["dask-worker-1"].environment
    assert not set(stack.secrets.values()) & set(told.values())


def test_there_are_as_many_workers_as_asked_for(stack: Stack) -> None:
    assert len([name for name in named(stack) if name.startswith("dask-worker")]) == 3


def test_a_given_secret_wins_over_the_kept_one(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "given")
    assert named(stack)["gateway"].environment["JWT_SECRET"] == "given"


def test_supervisors_configuration_holds_no_secret(stack: Stack) -> None:
    config = _configuration(stack.home, programs_of(stack))
    text = "\n".join(value for section in config.sections() for value in config[section].values())
    assert not [secret for secret in stack.secrets.values() if secret in text]


def test_postgres_starts_first_and_stops_last(stack: Stack) -> None:
    config = _configuration(stack.home, programs_of(stack))
    first = min(
        (section for section in config.sections() if section.startswith("program:")),
        key=lambda section: int(config[section]["priority"]),
    )
    assert first == "program:postgres"


def test_a_percent_sign_in_the_home_reaches_supervisor_as_it_is(stack: Stack) -> None:
    config = _configuration(stack.home, programs_of(stack))
    assert "100%% odd" in config["program:gateway"]["command"]


def test_what_a_program_is_told_is_for_its_owner_alone(home: Home, stack: Stack) -> None:
    path = describe(named(stack)["auth-service"], home.programs)
    assert path.stat().st_mode & 0o077 == 0


def test_a_cluster_and_a_store_of_ones_own_stand_in_for_the_stacks(home: Home, stack: Stack) -> None:
    settings = stack.settings.model_copy(
        update={"dask_scheduler_address": "tcp://elsewhere:8786", "store_url": "s3://bucket/store"}
    )
    programs = named(Stack(home, settings, stack.secrets, stack.ports))
    assert not [name for name in programs if name.startswith("dask")]
    told = programs["ml-service"].environment
    assert (told["DASK_SCHEDULER_ADDRESS"], told["STORE_URL"]) == (
        "tcp://elsewhere:8786",
        "s3://bucket/store",
    )
