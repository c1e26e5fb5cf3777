"""Commands that read and write files, choose tasks, follow jobs and change passwords."""

import csv
import zipfile
from pathlib import Path

import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, new_name
from tests.e2e.client.test_command import Run, read_json, runner
from tests.support.stack import Stack
from tests.support.tables import month_table

from farebox import Farebox
from farebox.results.models import Model


@pytest.fixture(scope="module")
def key(owner: Farebox) -> str:
    """An API key of a user with a model and tokens."""
    return owner.api_keys.create("files").api_key


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    return runner(stack.url, tmp_path / "config")


def test_answers_name_the_way_to_the_other_task(run: Run, key: str, tmp_path: Path) -> None:
    table = tmp_path / "months.csv"
    table.write_bytes(month_table())
    options = (str(table), "--label", "month", "--yes")

    trained = run("train", *options, "--type", "logistic", FAREBOX_API_KEY=key)
    refused = run("train", *options, "--label", "temp", "--type", "logistic", FAREBOX_API_KEY=key)

    assert trained.returncode == 0, trained.stderr
    assert "If they are amounts, train with --task regression." in trained.stderr
    assert refused.returncode == 7
    assert "choose knn, linear, random_forest or gradient_boosting, which learn numbers" in refused.stderr
    assert "--task" in refused.stderr


def test_train_with_a_split_by_group_leaves_its_column_out(run: Run, key: str) -> None:
    split = ("--split", "group", "--split-column", "island", "--train-fraction", "0.5")
    words = ("train", str(PENGUINS), "-l", "year", "-t", "linear", *split, "--yes", "--json")
    trained = read_json(run(*words, FAREBOX_API_KEY=key))

    assert trained["model"]["recipe"]["spec"]["split"] == {"by": "group", "column": "island"}
    assert "island" not in trained["model"]["features"]


def test_batch_writes_file_beside_input(run: Run, key: str, penguins: Model, tmp_path: Path) -> None:
    rows = tmp_path / "birds.csv"
    rows.write_text("\n".join([*PENGUINS.read_text().splitlines()[:11], ""]))

    refused = run("batch", penguins.name, str(rows), FAREBOX_API_KEY=key)
    assert refused.returncode == 7
    assert "5 tokens for each started 1,000 valid rows" in refused.stderr

    result = read_json(run("batch", penguins.name, str(rows), "--yes", "--json", FAREBOX_API_KEY=key))
    assert (result["rows"], result["failed"], result["charge"]["tokens"]) == (10, 0, 5)
    with (tmp_path / "birds.predicted.csv").open(newline="") as file:
        assert [row["prediction"] for row in csv.DictReader(file)] == ["Adelie"] * 10


def test_export_and_report_write_requested_files(run: Run, key: str, penguins: Model, tmp_path: Path) -> None:
    bundle, page = tmp_path / "birds.zip", tmp_path / "birds.html"

    exported = read_json(run("export", penguins.name, "--out", str(bundle), "--json", FAREBOX_API_KEY=key))
    reported = read_json(run("report", penguins.name, "--html", str(page), "--json", FAREBOX_API_KEY=key))

    assert (exported, reported) == ({"path": str(bundle)}, {"path": str(page)})
    assert "score.py" in zipfile.ZipFile(bundle).namelist()
    assert page.read_text().startswith("<!doctype html>")
    assert run("export", "1_nothing", "--out", str(bundle), FAREBOX_API_KEY=key).returncode == 6


def test_ended_job_is_followed_and_cannot_be_cancelled(run: Run, key: str, penguins: Model) -> None:
    job = str(penguins.job_id)

    assert read_json(run("jobs", "follow", job, "--json", FAREBOX_API_KEY=key))["state"] == "succeeded"
    assert read_json(run("jobs", "show", job, "--json", FAREBOX_API_KEY=key))["percent"] == 100
    assert run("jobs", "cancel", job, FAREBOX_API_KEY=key).returncode == 9


def test_password_command_logs_in_with_the_new_password(run: Run) -> None:
    name = new_name()
    assert run("signup", name, stdin=PASSWORD + "\n").returncode == 0

    changed = read_json(run("password", "--json", stdin=f"{PASSWORD}\na newer password\n"))

    assert changed == {"changed": True}
    assert read_json(run("whoami", "--json"))["name"] == name
    assert run("login", name, FAREBOX_PASSWORD=PASSWORD).returncode == 3


def test_password_command_revokes_api_keys_on_request(run: Run) -> None:
    assert run("signup", new_name(), stdin=PASSWORD + "\n").returncode == 0
    kept, key = (run("keys", "create", name).stdout.strip() for name in ("kept", "other"))
    assert run("password", stdin=f"{PASSWORD}\na newer password\n").returncode == 0
    assert run("balance", FAREBOX_API_KEY=kept).returncode == 0

    changed = run("password", "--revoke-api-keys", stdin="a newer password\nthe newest password\n")

    assert "API keys are revoked" in changed.stdout + changed.stderr
    assert run("balance", FAREBOX_API_KEY=key).returncode == 3
    assert read_json(run("keys", "--json")) == []
