"""Prometheus scrapes every service, and each panel of the dashboard has data."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.support.background_load import FEATURES
from tests.support.compose import Compose
from tests.support.course import trained_model
from tests.support.people import new_user
from tests.support.stack import PROJECT

DASHBOARD = PROJECT / "deploy/observability/grafana/dashboards/farebox.json"
JOBS = {"gateway", "auth-service", "billing-service", "ml-service", "dask-scheduler", "ml-worker"}
WITHIN_SECONDS = 120
PAUSE_SECONDS = 2.0

Sample = dict[str, Any]  # Any: decoded JSON


@pytest.fixture(scope="module")
def prometheus(compose: Compose) -> Iterator[Compose]:
    compose.run("--profile", "observability", "up", "--build", "--detach", "--wait", "prometheus")
    yield compose
    compose.run("--profile", "observability", "rm", "--stop", "--force", "prometheus")


def test_prometheus_accepts_its_settings_and_alerts(prometheus: Compose) -> None:
    assert "SUCCESS" in _promtool(prometheus, "check", "config", "/etc/prometheus/prometheus.yml")


async def test_query_of_every_panel_returns_data(prometheus: Compose, http: httpx.AsyncClient) -> None:
    user = await new_user(http)
    model = await trained_model(user)
    await user.post(f"/v1/models/{model}/predict", json=FEATURES)
    deadline = time.monotonic() + WITHIN_SECONDS
    while not _all_are_up(_query(prometheus, "up")):
        assert time.monotonic() < deadline, _query(prometheus, "up")
        await asyncio.sleep(PAUSE_SECONDS)
    pending = _panel_queries()
    while pending := [query for query in pending if not _query(prometheus, query)]:
        assert time.monotonic() < deadline, pending
        await asyncio.sleep(PAUSE_SECONDS)


def _all_are_up(samples: list[Sample]) -> bool:
    up = {sample["metric"]["job"] for sample in samples if sample["value"][1] == "1"}
    return up == JOBS and all(sample["value"][1] == "1" for sample in samples)


def _panel_queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert queries
    return [query.replace("$__rate_interval", "1m") for query in queries]


def _query(compose: Compose, expression: str) -> list[Sample]:
    response = _promtool(compose, "query", "instant", "--format=json", "http://127.0.0.1:9090", expression)
    return json.loads(response)


def _promtool(compose: Compose, *arguments: str) -> str:
    return compose.run("--profile", "observability", "exec", "-T", "prometheus", "promtool", *arguments)
