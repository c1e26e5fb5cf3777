"""Programs of a stack: environment, accounts and supervisor's configuration."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.home import Home, load_or_create_secrets
from local.ports import Ports
from local.programs import Program, Stack, programs_of, write_program_file
from local.settings import LocalSettings
from local.supervisor import configuration

SERVICES = ("auth-service", "billing-service", "ml-service")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.at(tmp_path / "a 100% unusual home")
    home.create()
    yield home
    shutil.rmtree(home.sockets)


@pytest.fixture
def stack(home: Home, monkeypatch: pytest.MonkeyPatch) -> Stack:
    for name in ("JWT_SECRET", "SERVICE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    settings = LocalSettings.model_validate({"farebox_home": home.root, "dask_workers": 3})
    return Stack(
        home, settings, load_or_create_secrets(home.secrets), Ports(8000, 8001, 8002, 8003, 8786, 8501)
    )


def programs_by_name(stack: Stack) -> dict[str, Program]:
    return {program.name: program for program in programs_of(stack)}


@pytest.mark.parametrize("service", SERVICES)
def test_service_receives_the_password_of_its_own_role_only(stack: Stack, service: str) -> None:
    environment = programs_by_name(stack)[service].environment
    own = f"{service.partition('-')[0].upper()}_DB_PASSWORD"
    assert environment["DB_PASSWORD"] == stack.secrets[own]
    others = {value for name, value in stack.secrets.items() if name.endswith("DB_PASSWORD") and name != own}
    assert not others & set(environment.values())


def test_gateway_receives_no_database_settings(stack: Stack) -> None:
    assert not [name for name in programs_by_name(stack)["gateway"].environment if name.startswith("DB_")]


def test_only_auth_service_receives_the_admin_password(stack: Stack) -> None:
    receivers = [p.name for p in programs_of(stack) if stack.admin_password in p.environment.values()]
    assert receivers == ["auth-service"]


def test_workers_receive_no_secret(stack: Stack) -> None:
    environment = programs_by_name(stack)["dask-workers"].environment
    assert not set(stack.secrets.values()) & set(environment.values())


@pytest.mark.parametrize("name", ["dask-scheduler", "dask-workers", "ml-service"])
def test_programs_of_the_cluster_receive_the_certificate(stack: Stack, name: str) -> None:
    environment = programs_by_name(stack)[name].environment
    assert environment["DASK_TLS_CERT_FILE"] == str(stack.home.certificates / "tls.crt")
    assert environment.get("DASK_SCHEDULER_ADDRESS", "tls://").startswith("tls://")


def test_other_programs_receive_no_certificate(stack: Stack) -> None:
    for name in ("gateway", "auth-service", "billing-service", "dashboard", "postgres"):
        assert not [each for each in programs_by_name(stack)[name].environment if each.startswith("DASK_")]


def test_workers_are_those_of_the_setting_and_a_reserved_one(stack: Stack) -> None:
    command = programs_by_name(stack)["dask-workers"].command
    assert command[command.index("--workers") + 1] == "4"


def test_secret_of_the_environment_overrides_the_stored_one(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "from-environment")
    assert programs_by_name(stack)["gateway"].environment["JWT_SECRET"] == "from-environment"


def test_supervisor_configuration_contains_no_secret(stack: Stack) -> None:
    config = configuration(stack.home, programs_of(stack))
    text = "\n".join(value for section in config.sections() for value in config[section].values())
    assert not [secret for secret in stack.secrets.values() if secret in text]


def test_postgres_starts_first_and_stops_last(stack: Stack) -> None:
    config = configuration(stack.home, programs_of(stack))
    first = min(
        (section for section in config.sections() if section.startswith("program:")),
        key=lambda section: int(config[section]["priority"]),
    )
    assert first == "program:postgres"


def test_files_of_programs_are_readable_by_their_owner_alone(stack: Stack) -> None:
    assert configuration(stack.home, programs_of(stack))["supervisord"]["umask"] == "077"


def test_percent_sign_of_home_is_escaped_for_supervisor(stack: Stack) -> None:
    config = configuration(stack.home, programs_of(stack))
    assert "100%% unusual" in config["program:gateway"]["command"]


def test_program_file_is_readable_by_its_owner_alone(home: Home, stack: Stack) -> None:
    path = write_program_file(programs_by_name(stack)["auth-service"], home.programs)
    assert path.stat().st_mode & 0o077 == 0


def test_configured_scheduler_and_store_replace_the_stacks_own(home: Home, stack: Stack) -> None:
    settings = stack.settings.model_copy(
        update={"dask_scheduler_address": "tcp://elsewhere:8786", "store_url": "s3://bucket/store"}
    )
    programs = programs_by_name(Stack(home, settings, stack.secrets, stack.ports))
    assert not [name for name in programs if name.startswith("dask")]
    environment = programs["ml-service"].environment
    assert (environment["DASK_SCHEDULER_ADDRESS"], environment["STORE_URL"]) == (
        "tcp://elsewhere:8786",
        "s3://bucket/store",
    )
