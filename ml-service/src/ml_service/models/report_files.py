"""Reports of models, read from their artefacts in a reader process: the files of a model may be large."""

from dataclasses import dataclass

from ml_service.learning.predictors import read_report
from ml_service.learning.reports.page import render_page
from ml_service.learning.reports.report import complete_report
from ml_service.learning.tables import Json
from ml_service.store.files import Files


@dataclass(frozen=True, slots=True)
class ReportSource:
    """An artefact, its digests, and facts that were unknown during training.

    `description` is that of the model, without what reports do not show.
    """

    store_url: str
    artefact: str
    files: Json
    model: str
    created_at: str
    description: Json


def load_report(source: ReportSource) -> Json:
    """Raises ArtefactRefused."""
    with Files(source.store_url).on_disk(source.artefact) as folder:
        report = read_report(folder, source.files)
    return complete_report(report, source.model, source.created_at, source.description)


def render_report(source: ReportSource) -> str:
    """The report as an HTML page; its charts take some tenths of a second."""
    return render_page(load_report(source))
