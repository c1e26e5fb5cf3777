"""Batch jobs: large files predicted in the background."""

from pathlib import Path

import pytest
from tests.e2e.client.conftest import PENGUINS
from tests.e2e.client.test_command import Run, read_json, run

from farebox import Farebox
from farebox.errors import NoResult
from farebox.results.models import Model

__all__ = ["run"]


@pytest.fixture
def key(owner: Farebox) -> str:
    return owner.api_keys.create("batches", scopes=["read", "predict"]).api_key


def test_file_is_predicted_by_job_and_downloaded(owner: Farebox, penguins: Model, tmp_path: Path) -> None:
    stages: list[str | None] = []
    at_once = owner.models.batch(penguins.name, PENGUINS, tmp_path / "at-once.csv", coverage=0.9)

    job = owner.models.start_batch(penguins.name, PENGUINS, coverage=0.9)
    owner.jobs.wait(job.id, on_progress=lambda event: stages.append(event.stage))
    later = owner.jobs.result(job.id, tmp_path / "later.csv")

    assert later.path.read_bytes() == at_once.path.read_bytes()
    assert (later.rows, later.failed) == (at_once.rows, 0)
    assert later.charge is not None
    assert later.charge.tokens == 5
    assert "predicting" in stages


def test_training_has_no_result_to_download(owner: Farebox, penguins: Model, tmp_path: Path) -> None:
    assert penguins.job_id is not None
    with pytest.raises(NoResult, match="trains a model"):
        owner.jobs.result(penguins.job_id, tmp_path / "nothing.csv")


def test_command_starts_batch_as_job(run: Run, penguins: Model, key: str, tmp_path: Path) -> None:
    words = ["batch", penguins.name, str(PENGUINS), "--detach", "--yes", "--json"]
    job = str(read_json(run(*words, FAREBOX_API_KEY=key))["id"])
    assert run("jobs", "follow", job, FAREBOX_API_KEY=key).returncode == 0

    out = tmp_path / "predicted.csv"
    downloaded = run("jobs", "result", job, "--out", str(out), FAREBOX_API_KEY=key)

    assert "344 of 344 rows" in downloaded.stderr
    assert len(out.read_text().splitlines()) == 345
