"""Files to leave with, fetched only when somebody asks for them."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from farebox import Farebox
from farebox.results.models import Model


def bundle_of(client: Farebox, model: Model) -> bytes:
    return _fetched(lambda path: client.models.export(model.name, path))


def report_page_of(client: Farebox, model: Model) -> bytes:
    return _fetched(lambda path: client.models.report_page(model.name, path))


def _fetched(fetch: Callable[[Path], Path]) -> bytes:
    with TemporaryDirectory(prefix="farebox-file-") as folder:
        return fetch(Path(folder) / "file").read_bytes()
