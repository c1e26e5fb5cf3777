"""Alerts are documented; alerts and panels query exported metrics."""

import json
import re
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
RULES = PROJECT / "deploy" / "observability" / "alerts.yml"
PANELS = PROJECT / "deploy" / "observability" / "grafana" / "dashboards" / "farebox.json"
FIGURE = re.compile(r"farebox_[a-z_]+?(?=_bucket|[^a-z_])")
NORMALLY_ZERO = ("farebox_unswept_files", "farebox_waiting_refunds")
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
    assert set(FIGURE.findall(requested)) == SHOWN | {"farebox_jobs_ended_total", *NORMALLY_ZERO}


@pytest.mark.parametrize("figure", NORMALLY_ZERO)
def test_gauge_that_is_normally_zero_has_an_alert(figure: str) -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    (alert,) = [rule for rule in rules if figure in rule["expr"]]
    assert alert["expr"].endswith("> 0")
    assert alert["labels"]["severity"] in {"page", "ticket"}


def test_each_exported_figure_is_documented() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text()
    sources = "".join(file.read_text() for file in PROJECT.glob("*/src/**/*.py"))
    exported = set(re.findall(r'\b(?:Gauge|Counter|Histogram)\(\s*"(farebox_[a-z_]+)"', sources))
    assert {*NORMALLY_ZERO, "farebox_jobs"} <= exported
    assert [figure for figure in sorted(exported) if f"`{figure}`" not in page] == []
