"""Network policies of deploy/kubernetes: the pods that reach each port, and nothing beyond that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

FILES = Path(__file__).parents[3] / "deploy" / "kubernetes"
NAME, NAMESPACE = "app.kubernetes.io/name", "kubernetes.io/metadata.name"
PROMETHEUS, INGRESS = "monitoring/prometheus", "ingress-nginx/ingress-nginx"
# Everything that may be reached, and its callers.
REACHED = {
    ("gateway", 8000): {INGRESS, "dashboard"},
    ("gateway", 9100): {PROMETHEUS},
    ("dashboard", 8501): {INGRESS},
    ("auth-service", 8001): {"gateway", "billing-service", "ml-service", PROMETHEUS},
    ("billing-service", 8002): {"gateway", "auth-service", "ml-service", PROMETHEUS},
    ("ml-service", 8003): {"gateway", "auth-service", PROMETHEUS},
    ("dask-scheduler", 8786): {"ml-service", "ml-worker"},
    ("dask-scheduler", 8787): {PROMETHEUS},
    ("ml-worker", 8787): {PROMETHEUS},
    ("ml-worker", 8788): {"dask-scheduler", "ml-worker"},
    ("ml-worker", 8789): {"dask-scheduler"},
}
DATABASE_CLIENTS = {"auth-service", "billing-service", "ml-service", "migrate"}

Resource = dict[str, Any]  # Any: parsed YAML


@pytest.fixture(scope="module")
def policies() -> list[Resource]:
    return list(yaml.safe_load_all((FILES / "network-policy.yaml").read_text()))


def test_everything_is_denied_by_default(policies: list[Resource]) -> None:
    denied = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert denied in [policy["spec"] for policy in policies]


def test_pod_is_reached_by_those_that_need_it_only(policies: list[Resource]) -> None:
    reached: dict[tuple[str, int], set[str]] = {}
    for target, peer, port in rules(policies, "ingress", "from"):
        reached.setdefault((target, port), set()).add(peer)
    assert reached == REACHED


def test_pod_reaches_what_accepts_it_only(policies: list[Resource]) -> None:
    expected = {
        (source, target, port)
        for (target, port), sources in REACHED.items()
        for source in sources - {PROMETHEUS, INGRESS}
    }
    expected |= {(client, "postgres", 5432) for client in DATABASE_CLIENTS}
    assert set(rules(policies, "egress", "to")) == expected | {("*", "kube-system/kube-dns", 53)}


def test_every_pod_has_a_policy_and_every_named_port_exists(policies: list[Resource]) -> None:
    pods: dict[str, set[int]] = {}
    for path in FILES.glob("*.yaml"):
        for resource in yaml.safe_load_all(path.read_text()):
            if resource["kind"] in {"Deployment", "Job"}:
                containers = resource["spec"]["template"]["spec"]["containers"]
                ports = {
                    port["containerPort"] for container in containers for port in container.get("ports", [])
                }
                pods[resource["metadata"]["name"]] = ports
    assert pods.keys() == {policy["metadata"]["name"] for policy in policies} - {"default-deny", "names"}
    for pod, ports in pods.items():
        assert ports == {port for target, port in REACHED if target == pod}, pod


@pytest.mark.parametrize(
    "rule",
    [
        {"ports": [{"port": 1}]},
        {"from": [{"podSelector": {"matchLabels": {NAME: "gateway"}}}]},
        {"from": [{"podSelector": {}}], "ports": [{"port": 1}]},
        {
            "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {NAME: "prometheus"}}}],
            "ports": [{"port": 1}],
        },
        {"from": [{"namespaceSelector": {"matchLabels": {NAMESPACE: "monitoring"}}}], "ports": [{"port": 1}]},
        {"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 1}]},
        {"from": [{"podSelector": {"matchLabels": {NAME: "gateway"}}}], "ports": [{"port": 1, "endPort": 9}]},
    ],
)
def test_rule_that_is_too_open_is_noticed(rule: Resource) -> None:
    policy = {"spec": {"podSelector": {"matchLabels": {NAME: "gateway"}}, "ingress": [rule]}}
    with pytest.raises((KeyError, AssertionError)):
        list(rules([policy], "ingress", "from"))


def rules(policies: list[Resource], direction: str, peers: str) -> Iterator[tuple[str, str, int]]:
    """The pod of each policy, the other side and the port; raises for a rule without one of them."""
    for policy in policies:
        selector = policy["spec"]["podSelector"]
        pod = selector["matchLabels"][NAME] if selector else "*"
        for rule in policy["spec"].get(direction, []):
            assert rule[peers]
            assert rule["ports"]
            for port in rule["ports"]:
                assert port.keys() <= {"port", "protocol"}
                yield from ((pod, name_of(peer), port["port"]) for peer in rule[peers])


def name_of(peer: Resource) -> str:
    assert peer.keys() <= {"podSelector", "namespaceSelector"}
    ((_, name),) = peer["podSelector"]["matchLabels"].items()
    if "namespaceSelector" not in peer:
        return name
    return f"{peer['namespaceSelector']['matchLabels'][NAMESPACE]}/{name}"
