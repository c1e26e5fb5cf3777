"""The commands that read and write files, and those that look after what is there."""

import csv
import zipfile
from pathlib import Path

import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, new_name
from tests.e2e.client.test_command import Run, runner, told
from tests.support.stack import Stack

from farebox import Farebox
from farebox.results.models import Model


@pytest.fixture(scope="module")
def key(owner: Farebox) -> str:
    """A login as scripts have one, for somebody with a model and tokens."""
    return owner.api_keys.create("files").api_key


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    return runner(stack.url, tmp_path / "config")


def test_a_file_is_predicted_into_a_file_beside_it(
    run: Run, key: str, penguins: Model, tmp_path: Path
) -> None:
    rows = tmp_path / "birds.csv"
    rows.write_text("\n".join([*PENGUINS.read_text().splitlines()[:11], ""]))

    refused = run("batch", penguins.name, str(rows), FAREBOX_API_KEY=key)
    assert refused.returncode == 7
    assert "5 tokens for each started 1000 good rows" in refused.stderr

    done = told(run("batch", penguins.name, str(rows), "--yes", "--json", FAREBOX_API_KEY=key))
    assert (done["rows"], done["failed"], done["charge"]["tokens"]) == (10, 0, 5)
    with (tmp_path / "birds.predicted.csv").open(newline="") as file:
        assert [each["prediction"] for each in csv.DictReader(file)] == ["Adelie"] * 10


def test_a_model_and_its_report_are_written_where_they_are_wanted(
    run: Run, key: str, penguins: Model, tmp_path: Path
) -> None:
    bundle, page = tmp_path / "birds.zip", tmp_path / "birds.html"

    exported = told(run("export", penguins.name, "--out", str(bundle), "--json", FAREBOX_API_KEY=key))
    reported = told(run("report", penguins.name, "--html", str(page), "--json", FAREBOX_API_KEY=key))

    assert (exported, reported) == ({"path": str(bundle)}, {"path": str(page)})
    assert "score.py" in zipfile.ZipFile(bundle).namelist()
    assert page.read_text().startswith("<!doctype html>")
    assert run("export", "1_nothing", "--out", str(bundle), FAREBOX_API_KEY=key).returncode == 6


def test_a_job_is_followed_to_its_end_and_cannot_be_cancelled_then(
    run: Run, key: str, penguins: Model
) -> None:
    job = str(penguins.job_id)

    assert told(run("jobs", "follow", job, "--json", FAREBOX_API_KEY=key))["state"] == "succeeded"
    assert told(run("jobs", "show", job, "--json", FAREBOX_API_KEY=key))["percent"] == 100
    assert run("jobs", "cancel", job, FAREBOX_API_KEY=key).returncode == 9


def test_a_password_is_changed_and_the_new_one_is_logged_in_with(run: Run) -> None:
    name = new_name()
    assert run("signup", name, says=PASSWORD + "\n").returncode == 0

    changed = told(run("password", "--json", says=f"{PASSWORD}\na newer password\n"))

    assert changed == {"changed": True}
    assert told(run("whoami", "--json"))["name"] == name
    assert run("login", name, FAREBOX_PASSWORD=PASSWORD).returncode == 3
