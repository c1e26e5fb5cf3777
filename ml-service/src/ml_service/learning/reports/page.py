"""A report as one page that opens anywhere: no script, nothing fetched."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from ml_service.learning.reports.drawing import draw
from ml_service.learning.reports.evidence import Json

MOST_CLASSES = 30


def page(report: Json) -> str:
    """HTML of a report as the route tells it. Every text in it is a user's, and escaped."""
    environment = Environment(
        loader=PackageLoader("ml_service.learning.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = _figure
    environment.filters["words"] = _words
    template = environment.get_template("report.html")
    return template.render(report=report, pictures=draw(report), most_classes=MOST_CLASSES)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _words(name: str) -> str:
    return name.replace("_", " ")
