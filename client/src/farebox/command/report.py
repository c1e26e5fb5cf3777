"""`farebox report`: how good a model is, and why."""

from pathlib import Path
from typing import Annotated

import typer

from farebox.command import output
from farebox.command.options import Shared
from farebox.command.spreading import command
from farebox.results.reports import Metric, Report

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The model's name.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write the whole report there, as a page with pictures."),
]


@command
def report(model: ModelName, shared: Shared, html: Html = None) -> None:
    """Tell how good a model is and what it rests on; with --html as a page to keep or to send."""
    with shared.connect() as client:
        if html is not None:
            path = client.models.report_page(model, html)
            if shared.as_json:
                output.show_json({"path": str(path)})
            else:
                output.say(f"The report is in {path}; any browser opens it.")
            return
        told = client.models.report(model)
    if shared.as_json:
        output.show_json(told)
    else:
        _show(told)


def _show(told: Report) -> None:
    output.say(told.verdict)
    figures = ([each.name, each.value, _interval(each), each.baseline] for each in told.metrics)
    output.show_table(["metric", "model", "95 % interval", "baseline"], figures)
    worth = ([each.feature, each.mean, each.spread] for each in told.importance)
    output.show_table(["column", "fall when shuffled", "spread"], worth)
    for finding in told.findings:
        output.say(f"{finding.severity.capitalize()}: {finding.detail} {finding.advice}")


def _interval(metric: Metric) -> str | None:
    if metric.low is None or metric.high is None:
        return None
    return f"{metric.low:.4g} to {metric.high:.4g}"
