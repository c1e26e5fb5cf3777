"""`farebox report` and `farebox export`: a model's report, and the model as a file."""

from pathlib import Path
from typing import Annotated

import typer

from farebox.clients import Farebox
from farebox.command import output
from farebox.command.errors import handle_errors
from farebox.command.options import AsJson, ModelName, OptionalOut, Url
from farebox.results.reports import Metric, Report

app = typer.Typer()


@app.command()
@handle_errors
def report(
    model: ModelName,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the whole report, with charts, to an HTML file."),
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show a model's report: metrics with intervals, feature importance and findings."""
    with Farebox(url) as client:
        if html is not None:
            path = client.models.report_page(model, html)
            written = f"The report is in {path}; open it in any browser."
            output.show_outcome({"path": str(path)}, written, as_json=as_json)
            return
        model_report = client.models.report(model)
    if as_json:
        output.show_json(model_report)
    else:
        _show_report(model_report)


@app.command()
@handle_errors
def export(model: ModelName, out: OptionalOut = None, as_json: AsJson = False, url: Url = None) -> None:
    """Export a model as a zip: the pipeline, its schema, sample rows with predictions, a scoring script."""
    with Farebox(url) as client:
        path = client.models.export(model, out or Path(f"{model}.zip"))
    written = f"Model {model} is in {path}; unpack it and run: python score.py"
    output.show_outcome({"path": str(path)}, written, as_json=as_json)


def _show_report(report: Report) -> None:
    output.message(report.verdict)
    metrics = ([metric.name, metric.value, _interval(metric), metric.baseline] for metric in report.metrics)
    output.show_table(["metric", "model", "95% interval", "baseline"], metrics)
    importance = ([column.feature, column.mean, column.spread] for column in report.importance)
    output.show_table(["feature", "drop when shuffled", "spread"], importance)
    for finding in report.findings:
        output.message(f"{finding.severity.capitalize()}: {finding.detail} {finding.advice}")


def _interval(metric: Metric) -> str | None:
    if metric.low is None or metric.high is None:
        return None
    return f"{output.number(metric.low)} to {output.number(metric.high)}"
