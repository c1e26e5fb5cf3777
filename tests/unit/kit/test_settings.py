import pytest
from pydantic import SecretStr, ValidationError
from tests.support.tokens import JWT_SECRET

from kit.settings import DatabaseSettings, ServiceSettings, read_settings

WEAK = [
    "",
    "short",
    "a" * 64,
    "abababab" * 8,
    "changeme-changeme-changeme-changeme",
    "your-256-bit-secret-your-256-bit-secret",
    "my-super-secret-key-0123456789abcdef",
]


@pytest.mark.parametrize("name", ["jwt_secret", "jwt_secret_previous", "service_secret"])
@pytest.mark.parametrize("weak", WEAK)
def test_weak_secret_is_refused(name: str, weak: str) -> None:
    with pytest.raises(ValidationError, match="32 or more random characters"):
        ServiceSettings.model_validate({"jwt_secret": JWT_SECRET, name: weak})


def test_missing_secret_exits_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    with pytest.raises(SystemExit) as ended:
        read_settings("probe-service", ServiceSettings)
    assert ended.value.code == "probe-service: JWT_SECRET is not set."


def test_weak_secret_exits_with_one_line_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    with pytest.raises(SystemExit) as ended:
        read_settings("probe-service", ServiceSettings)
    line = str(ended.value.code)
    assert line.startswith("probe-service: JWT_SECRET needs 32 or more random characters")
    assert "hunter2" not in line
    assert "\n" not in line


def test_all_wrong_settings_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JWT_SECRET", "DB_USER", "DB_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DB_PORT", "70000")
    with pytest.raises(SystemExit) as ended:
        read_settings("probe-service", DatabaseSettings)
    assert all(name in str(ended.value.code) for name in ("JWT_SECRET", "DB_USER", "DB_PASSWORD", "DB_PORT"))


def test_settings_are_frozen() -> None:
    settings = ServiceSettings(jwt_secret=SecretStr(JWT_SECRET))
    with pytest.raises(ValidationError):
        settings.port = 1


def test_settings_hide_their_secrets() -> None:
    assert JWT_SECRET not in repr(ServiceSettings(jwt_secret=SecretStr(JWT_SECRET)))


def test_service_key_differs_from_jwt_secret() -> None:
    settings = ServiceSettings(jwt_secret=SecretStr(JWT_SECRET))
    assert settings.service_key != JWT_SECRET.encode()


def test_service_secret_overrides_the_derived_key() -> None:
    settings = ServiceSettings.model_validate({"jwt_secret": JWT_SECRET, "service_secret": JWT_SECRET[::-1]})
    assert settings.service_key == JWT_SECRET[::-1].encode()
