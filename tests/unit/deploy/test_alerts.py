"""Alerts are documented; alerts and panels query exported metrics."""

import json
import re
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[3]
RULES = PROJECT / "deploy" / "observability" / "alerts.yml"
PANELS = PROJECT / "deploy" / "observability" / "grafana" / "dashboards" / "farebox.json"
FIGURE = re.compile(r"farebox_[a-z_]+?(?=_bucket|[^a-z_])")
SHOWN = {"farebox_requests_total", "farebox_request_seconds", "farebox_tokens_total", "farebox_jobs"}


def test_each_alert_is_documented_in_operations() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text()
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert rules
    assert [rule["alert"] for rule in rules if f"| {rule['alert']} |" not in page] == []


def test_alerts_and_panels_query_existing_metrics() -> None:
    panels = json.loads(PANELS.read_text())["panels"]
    requested = RULES.read_text() + " ".join(
        target["expr"] for panel in panels for target in panel["targets"]
    )
    assert set(FIGURE.findall(requested)) == SHOWN | {"farebox_jobs_ended_total"}
