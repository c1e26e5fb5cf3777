"""Settings: invalid values end the process with one line; JWT_SECRET encrypts stored secrets."""

import pytest
from tests.support.tokens import JWT_SECRET

from auth_service.settings import AuthSettings
from auth_service.tokens.secrets import Seal
from kit.settings import read_settings

OTHER_SECRET = "e5b1d0c47f29a8360e5b1d0c47f29a83"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in AuthSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    monkeypatch.setenv("DB_PASSWORD", "unused")
    return monkeypatch


def read() -> AuthSettings:
    return read_settings("auth-service", AuthSettings)


def test_variables_of_the_course_specification_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_EXP_MINUTES", "30")
    environment.setenv("ADMIN_EMAIL", "admin@farebox.local")
    environment.setenv("ADMIN_PASSWORD", "1234")
    settings = read()
    assert settings.access_lifetime.total_seconds() == 1800
    assert settings.admin_email == "admin@farebox.local"


def test_administrator_may_be_missing_or_empty(environment: pytest.MonkeyPatch) -> None:
    assert read().admin_email is None
    environment.setenv("ADMIN_EMAIL", "")
    environment.setenv("ADMIN_PASSWORD", "")
    assert read().admin_password is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET", "secret"),
        ("JWT_EXP_MINUTES", "0"),
        ("JWT_EXP_MINUTES", "100000"),
        ("JWT_ALGORITHM", "none"),
        ("BCRYPT_COST", "3"),
        ("SIGNING_KEY_LEAD_SECONDS", "1"),
        ("ADMIN_PASSWORD", "alone and long"),
    ],
)
def test_invalid_setting_is_named_in_one_line(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        read()
    assert name in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_administrator_without_a_password_is_named_in_one_line(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ADMIN_EMAIL", "admin@farebox.local")
    with pytest.raises(SystemExit, match="ADMIN_PASSWORD"):
        read()


def test_sealed_value_opens_only_with_its_secret_as_current_or_previous(
    environment: pytest.MonkeyPatch,
) -> None:
    sealed = Seal(read()).seal(b"private")
    assert Seal(read()).open(sealed) == b"private"
    environment.setenv("JWT_SECRET", OTHER_SECRET)
    assert Seal(read()).open(sealed) is None
    environment.setenv("JWT_SECRET_PREVIOUS", JWT_SECRET)
    assert Seal(read()).open(sealed) == b"private"
