"""Large files, predicted by jobs that the client follows."""

from pathlib import Path

import pytest
from tests.e2e.client.conftest import PENGUINS
from tests.e2e.client.test_command import Run, run, told

from farebox import Farebox
from farebox.errors import NoResult
from farebox.results.models import Model

__all__ = ["run"]


@pytest.fixture
def key(owner: Farebox) -> str:
    return owner.api_keys.create("batches", scopes=["read", "predict"]).api_key


def test_a_file_is_predicted_by_a_job_and_its_result_fetched(
    owner: Farebox, penguins: Model, tmp_path: Path
) -> None:
    heard: list[str | None] = []
    at_once = owner.models.batch(penguins.name, PENGUINS, tmp_path / "at-once.csv", coverage=0.9)

    job = owner.models.start_batch(penguins.name, PENGUINS, coverage=0.9)
    owner.jobs.wait(job.id, on_progress=lambda event: heard.append(event.stage))
    later = owner.jobs.result(job.id, tmp_path / "later.csv")

    assert later.path.read_bytes() == at_once.path.read_bytes()
    assert (later.rows, later.failed) == (at_once.rows, 0)
    assert later.charge is not None
    assert later.charge.tokens == 5
    assert "predicting" in heard


def test_a_training_has_no_result_to_fetch(owner: Farebox, penguins: Model, tmp_path: Path) -> None:
    assert penguins.job_id is not None
    with pytest.raises(NoResult, match="trains a model"):
        owner.jobs.result(penguins.job_id, tmp_path / "nothing.csv")


def test_the_command_leaves_a_batch_to_a_job(run: Run, penguins: Model, key: str, tmp_path: Path) -> None:
    words = ["batch", penguins.name, str(PENGUINS), "--detach", "--yes", "--json"]
    job = str(told(run(*words, FAREBOX_API_KEY=key))["id"])
    assert run("jobs", "follow", job, FAREBOX_API_KEY=key).returncode == 0

    out = tmp_path / "predicted.csv"
    fetched = run("jobs", "result", job, "--out", str(out), FAREBOX_API_KEY=key)

    assert "344 of 344 rows" in fetched.stderr
    assert len(out.read_text().splitlines()) == 345
