"""Containers have no more privileges than they need."""

import json

import yaml
from tests.support.compose import Compose, run_program
from tests.support.stack import PROJECT

SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
OURS = [
    name
    for name, service in SERVICES.items()
    if "build" in service and name not in ("migrate", "certificates")
]


def test_container_is_healthy_unprivileged_and_read_only(compose: Compose) -> None:
    ids = [container for service in OURS for container in compose.containers(service)]
    assert len(ids) >= len(OURS)
    for load in json.loads(run_program(["docker", "inspect", *ids])):
        received = load["Config"]["Image"], load["Config"]["User"], load["HostConfig"]
        assert load["Config"]["User"] in {"farebox", "haproxy"}, received
        assert load["HostConfig"]["ReadonlyRootfs"], received
        assert load["HostConfig"]["CapDrop"] == ["ALL"], received
        assert load["State"]["Health"]["Status"] == "healthy", received


def test_container_does_not_run_as_root(compose: Compose) -> None:
    users = {service: compose.run("exec", "-T", service, "id", "-u").strip() for service in OURS}
    assert "0" not in users.values(), users
