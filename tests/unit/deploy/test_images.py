"""Images follow one pattern, and the Compose file requires every secret."""

import re
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
DOCKERFILES = sorted(PROJECT.glob("*/Dockerfile"))
SECRET = re.compile(r"\$\{(?P<name>\w+)(?P<otherwise>:\?)?")


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_image_is_built_in_two_stages_from_locked_packages_for_an_unprivileged_user(file: Path) -> None:
    first, last = file.read_text().split("\nFROM ")[1:]
    assert "--require-hashes --constraint requirements.txt" in first
    assert "COPY --from=packages /opt/farebox /opt/farebox" in last
    assert re.search(r"^USER farebox$", last, re.MULTILINE)
    assert not re.search(r"\b(pip|uv|apt-get|gcc)\b", last)


def test_container_is_read_only_with_limits_and_a_graceful_stop() -> None:
    services = _services()
    built = {name: service for name, service in services.items() if "build" in service}
    assert len(built) >= len(DOCKERFILES)
    for name, settings in built.items():
        assert settings["read_only"], name
        assert settings["mem_limit"], name
        assert settings["stop_grace_period"], name


def test_balancer_and_dashboard_publish_ports_on_loopback_only() -> None:
    always = {name: service for name, service in _services().items() if "profiles" not in service}
    published = {name: alway["ports"] for name, alway in always.items() if "ports" in alway}
    assert published.keys() == {"balancer", "dashboard"}
    for ports in published.values():
        assert all(port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:") for port in ports)


def test_missing_secret_stops_the_stack() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    for variable in SECRET.finditer(text):
        if variable["name"].endswith(("SECRET", "DB_PASSWORD", "ADMIN_PASSWORD", "GRAFANA_PASSWORD")):
            assert variable["otherwise"], variable["name"]


def _services() -> dict[str, dict[str, object]]:
    return yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
