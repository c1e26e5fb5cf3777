"""Networks of docker-compose.yml: containers share one only where one needs the other."""

from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

COMPOSE = yaml.safe_load((Path(__file__).parents[3] / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]  # Any: parsed YAML
NETWORKS: dict[str, dict[str, Any]] = COMPOSE["networks"]  # Any: as above
ALWAYS_INTERNAL = {"edge", "database", "metrics", "charts"}
# Pairs that share a network: one of them calls the other, or both are called by the same.
ALLOWED = {
    "public": {"balancer", "dashboard", "grafana"},
    "edge": {"balancer", "dashboard", "gateway"},
    "inner": {"gateway", "auth-service", "billing-service", "ml-service", "prometheus"},
    "database": {"postgres", "migrate", "auth-service", "billing-service", "ml-service"},
    "work": {"ml-service", "dask-scheduler", "ml-worker", "s3"},
    "metrics": {"prometheus", "dask-scheduler", "ml-worker"},
    "charts": {"prometheus", "grafana"},
}


def networks_of(service: str) -> set[str]:
    return set(SERVICES[service].get("networks", []))


def test_network_has_no_other_members() -> None:
    members = {
        network: {service for service in SERVICES if network in networks_of(service)} for network in NETWORKS
    }
    assert members == ALLOWED


def test_container_without_a_network_has_none_at_all() -> None:
    """Compose puts a container that names none into a default network, which leads outside."""
    without = {service for service in SERVICES if not networks_of(service)}
    assert {service: SERVICES[service].get("network_mode") for service in without} == {"certificates": "none"}


def test_workers_and_pages_share_no_network_with_secrets_and_money() -> None:
    for outer, inner in (
        (
            {"balancer", "dashboard"},
            {"auth-service", "billing-service", "ml-service", "postgres", "ml-worker"},
        ),
        ({"ml-worker", "dask-scheduler"}, {"gateway", "auth-service", "billing-service", "postgres"}),
        ({"gateway", "prometheus", "grafana"}, {"postgres"}),
    ):
        shared = {
            (one, other)
            for one, other in combinations(sorted(outer | inner), 2)
            if networks_of(one) & networks_of(other)
        }
        assert not [pair for pair in shared if len(set(pair) & outer) == 1]


def test_only_the_public_network_leads_outside() -> None:
    assert {name for name, network in NETWORKS.items() if network.get("internal") is True} == ALWAYS_INTERNAL
    for name in NETWORKS.keys() - ALWAYS_INTERNAL - {"public"}:
        assert NETWORKS[name]["internal"] == "${INTERNAL_NETWORKS:-true}", name
    masquerade = NETWORKS["public"]["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"]
    assert masquerade == "false"


def test_networks_have_addresses_of_their_own() -> None:
    configs = [network["ipam"]["config"][0] for network in NETWORKS.values()]
    assert [config["subnet"] for config in configs] == [
        f"${{SUBNET_PREFIX:-172.30.24}}{number}.0/24" for number in range(len(ALLOWED))
    ]


def test_gateway_trusts_the_fixed_addresses_of_balancer_and_dashboard_only() -> None:
    fixed = [SERVICES[name]["networks"]["edge"]["ipv4_address"] for name in ("balancer", "dashboard")]
    trusted = SERVICES["gateway"]["environment"]["TRUSTED_PROXIES"]
    assert trusted == f"{fixed[0]},{fixed[1]}${{TRUSTED_PROXIES:+,}}${{TRUSTED_PROXIES:-}}"
    dashboard = SERVICES["dashboard"]["environment"]["FORWARDED_ALLOW_IPS"]
    assert dashboard == "${TRUSTED_PROXIES:-127.0.0.1}"


def test_published_containers_are_in_the_public_network() -> None:
    published = {service for service in SERVICES if "ports" in SERVICES[service]}
    assert published == ALLOWED["public"]


def test_keys_of_dask_are_mounted_by_its_peers_only() -> None:
    mounts = {
        service: [
            volume
            for volume in SERVICES[service].get("volumes", [])
            if str(volume).startswith("certificates:")
        ]
        for service in SERVICES
    }
    holders = {service: volumes[0].endswith(":ro") for service, volumes in mounts.items() if volumes}
    assert holders == {"certificates": False, "dask-scheduler": True, "ml-worker": True, "ml-service": True}
