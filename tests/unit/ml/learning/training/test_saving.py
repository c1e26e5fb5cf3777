"""Files of a new model: on the disk once they are reported, and bounded together."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ml_service.learning.training.errors import ModelTooLarge
from ml_service.learning.training.saving import ArtefactWriter


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_finished_files_and_their_folder_are_on_the_disk(
    threads: ThreadPoolExecutor, tmp_path: Path, flushed: set[int]
) -> None:
    writer = ArtefactWriter(tmp_path / "model", threads, 1000, "choose fewer rows")
    for name in ("model.json", "report.json"):
        writer.add_document(name, {"name": name})
    writer.finish()
    written = {path.stat().st_ino for path in (tmp_path / "model").iterdir()}
    assert len(written) == 2
    assert written | {(tmp_path / "model").stat().st_ino} <= flushed


def test_files_of_a_model_are_limited_together(threads: ThreadPoolExecutor, tmp_path: Path) -> None:
    writer = ArtefactWriter(tmp_path / "model", threads, 1000, "choose fewer rows")
    for name in ("model.json", "report.json"):
        writer.add_document(name, {"text": "x" * 600})
    with pytest.raises(ModelTooLarge):
        writer.finish()
    assert not (tmp_path / "model").exists()
