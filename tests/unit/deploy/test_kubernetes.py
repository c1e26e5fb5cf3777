"""The rendered manifests of deploy/kubernetes are valid and complete."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

PROJECT = Path(__file__).parents[3]
KUBECTL = Path(sys.executable).with_name("kubectl")
SERVING = {"auth-service", "billing-service", "ml-service", "gateway", "dashboard"}

Resource = dict[str, Any]  # Any: parsed YAML


@pytest.fixture(scope="module")
def rendered() -> list[Resource]:
    command = [str(KUBECTL), "kustomize", "deploy/kubernetes"]
    completed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S603 - our own command
    return list(yaml.safe_load_all(completed.stdout))


def test_manifests_match_the_schemas_of_kubernetes(rendered: list[Resource]) -> None:
    version = kubernetes_validate.latest_version()
    for resource in rendered:
        kubernetes_validate.validate(resource, version, strict=True)
    assert {"Deployment", "Job", "HorizontalPodAutoscaler"} <= {resource["kind"] for resource in rendered}


def test_deployments_have_probes_and_disruption_budgets(rendered: list[Resource]) -> None:
    deployments = _named(rendered, "Deployment")
    for name in SERVING:
        container = _containers(deployments[name])[0]
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert _named(rendered, "PodDisruptionBudget").keys() >= SERVING | {"ml-worker"}


def test_gateway_and_workers_are_autoscaled(rendered: list[Resource]) -> None:
    assert _named(rendered, "HorizontalPodAutoscaler").keys() == {"gateway", "ml-worker"}
    for name, deployment in _named(rendered, "Deployment").items():
        has_number = "replicas" in deployment["spec"]
        assert has_number == (name not in {"gateway", "ml-worker"}), name


def test_secrets_are_referenced_only(rendered: list[Resource]) -> None:
    assert _named(rendered, "Secret") == {}
    for resource in [*_named(rendered, "Deployment").values(), *_named(rendered, "Job").values()]:
        for container in _containers(resource):
            for variable in container.get("env", []):
                if variable["name"].endswith(("SECRET", "PASSWORD", "KEY")):
                    assert variable["valueFrom"]["secretKeyRef"]["name"] == "farebox"


def test_containers_are_read_only_and_not_root(rendered: list[Resource]) -> None:
    for resource in [*_named(rendered, "Deployment").values(), *_named(rendered, "Job").values()]:
        assert resource["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
        for container in _containers(resource):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["limits"]["memory"]


def _named(rendered: list[Resource], kind: str) -> dict[str, Resource]:
    return {resource["metadata"]["name"]: resource for resource in rendered if resource["kind"] == kind}


def _containers(resource: Resource) -> list[Resource]:
    return resource["spec"]["template"]["spec"]["containers"]
