"""Each of our containers has no more rights than it needs."""

import json

import yaml
from tests.support.compose import Compose, run_program
from tests.support.stack import PROJECT

SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
OURS = [name for name, each in SERVICES.items() if "build" in each and name != "migrate"]


def test_each_runs_without_rights_on_files_that_stay_as_they_are_and_is_healthy(compose: Compose) -> None:
    ids = [container for service in OURS for container in compose.containers(service)]
    assert len(ids) >= len(OURS)
    for each in json.loads(run_program(["docker", "inspect", *ids])):
        told = each["Config"]["Image"], each["Config"]["User"], each["HostConfig"]
        assert each["Config"]["User"] in {"farebox", "haproxy"}, told
        assert each["HostConfig"]["ReadonlyRootfs"], told
        assert each["HostConfig"]["CapDrop"] == ["ALL"], told
        assert each["State"]["Health"]["Status"] == "healthy", told


def test_each_runs_as_somebody_else_than_root(compose: Compose) -> None:
    users = {service: compose.run("exec", "-T", service, "id", "-u").strip() for service in OURS}
    assert "0" not in users.values(), users
