"""The `farebox` command, run as a program against the real services."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, new_name
from tests.support.stack import Stack

from farebox import Farebox

FEATURES = (
    "island=Dream",
    "bill_length_mm=39.1",
    "bill_depth_mm=18.7",
    "flipper_length_mm=181",
    "body_mass_g=3750",
    "sex=male",
    "year=2007",
)
Run = Callable[..., subprocess.CompletedProcess[str]]


def runner(url: str, config: Path) -> Run:
    """Runs the command as a script would: nobody is there to ask."""
    here = {"FAREBOX_URL": url, "FAREBOX_CONFIG_DIR": str(config)}

    def run_command(*words: str, says: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", "from farebox.command.app import main; main()", *words],
            env=os.environ | here | environment,
            input=says,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_command


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Run:
    return runner(stack.url, tmp_path)


@pytest.fixture
def signed_in(run: Run) -> Run:
    assert run("signup", new_name(), says=PASSWORD + "\n").returncode == 0
    return run


@pytest.fixture(scope="module")
def someone(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Signed in, and left as they are by every test."""
    run = runner(stack.url, tmp_path_factory.mktemp("config"))
    assert run("signup", new_name(), says=PASSWORD + "\n").returncode == 0
    return run


def told(done: subprocess.CompletedProcess[str]) -> Any:  # Any: JSON
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_csv_file_and_a_label_are_all_that_training_needs(signed_in: Run) -> None:
    trained = signed_in("train", str(PENGUINS), "--label", "species", "--yes")

    assert trained.returncode == 0, trained.stderr
    assert "random_forest" in trained.stdout
    assert "accuracy" in trained.stdout
    assert "Charged 1" in trained.stderr


def test_comparing_all_types_ends_with_a_leaderboard(signed_in: Run) -> None:
    trained = signed_in(
        "train", str(PENGUINS), "-l", "species", "-t", "auto", "--budget-tokens", "1", "--yes"
    )

    assert trained.returncode == 0, trained.stderr
    assert "balanced_accuracy" in trained.stdout
    assert "not tried" in trained.stdout
    assert "costs up to 1 token." in trained.stderr
    assert "Charged 1" in trained.stderr


def test_the_main_job_as_a_script(signed_in: Run) -> None:
    trained = told(
        signed_in("train", str(PENGUINS), "-l", "species", "-p", "n_estimators=10", "--yes", "--json")
    )
    name = trained["model"]["name"]

    said = told(signed_in("predict", name, *FEATURES, "--yes", "--json"))

    assert said["prediction"] == "Adelie"
    assert said["charge"]["tokens"] == 5
    assert told(signed_in("balance", "--json"))["available"] == 9
    assert [each["amount"] for each in told(signed_in("ledger", "--json"))] == [-5, -1, 15]
    assert [each["name"] for each in told(signed_in("models", "--json"))] == [name]
    assert told(signed_in("jobs", "--json"))[0]["state"] == "succeeded"
    assert told(signed_in("datasets", "--json"))[0]["name"] == "penguins.csv"
    assert told(signed_in("models", "delete", name, "--yes", "--json")) == {"deleted": name}


def test_a_report_and_what_a_prediction_may_be_off_by(signed_in: Run, tmp_path: Path) -> None:
    order = ("-l", "species", "-t", "logistic", "--yes", "--json")
    name = told(signed_in("train", str(PENGUINS), *order))["model"]["name"]

    report, page = signed_in("report", name), tmp_path / "report.html"
    assert report.returncode == 0, report.stderr
    assert "Better than guessing" in report.stderr
    assert "fall when shuffled" in report.stdout
    assert signed_in("report", name, "--html", str(page)).returncode == 0
    assert page.read_text().startswith("<!doctype html>")

    said = signed_in("predict", name, *FEATURES, "--probabilities", "--coverage", "0.95", "--yes")
    assert said.returncode == 0, said.stderr
    headings, row = (line.split() for line in said.stdout.splitlines())
    assert headings == ["prediction", "p(Adelie)", "p(Chinstrap)", "p(Gentoo)", "labels"]
    assert row[0] == "Adelie"


def test_a_dataset_is_shown_with_what_is_remarkable(signed_in: Run, tmp_path: Path) -> None:
    table = tmp_path / "codes.csv"
    rows = (f"{500 + n % 4},{'yes' if n % 4 > 1 else 'no'}" for n in range(60))
    table.write_text("\n".join(["code,passed", *rows, ""]))

    added = signed_in("datasets", "add", str(table), "--kinds", "code=text")

    assert added.returncode == 0, added.stderr
    assert "500 (15), 501 (15), 502 (15), ..." in added.stdout
    assert "56 rows are the same" in added.stdout
    dataset = str(told(signed_in("datasets", "--json"))[0]["id"])
    shown = signed_in("datasets", "show", dataset, "--label", "passed")
    assert "'code' alone avoids 100% of the wrong guesses about 'passed'" in shown.stdout
    assert (
        told(signed_in("datasets", "correct", dataset, "code=number", "--json"))["columns"][0]["kind"]
        == "number"
    )


def test_nothing_is_charged_that_nobody_agreed_to(someone: Run) -> None:
    refused = someone("train", str(PENGUINS), "--label", "species")

    assert refused.returncode == 7
    assert "costs 1 token" in refused.stderr
    assert told(someone("balance", "--json"))["available"] == 15


def test_a_file_of_rows_is_answered_a_line_each(
    run: Run,
    owner: Farebox,
    penguins: Any,
    tmp_path: Path,  # Any: a Model
) -> None:
    rows = tmp_path / "rows.csv"
    header, first, second = (line.partition(",")[2] for line in PENGUINS.read_text().splitlines()[:3])
    rows.write_text(f"{header}\n{first}\n{second}\n")
    key = owner.api_keys.create("rows", scopes=["predict"]).api_key

    done = run("predict", penguins.name, "--rows", str(rows), "--yes", FAREBOX_API_KEY=key)

    assert done.stdout == "Adelie\nAdelie\n"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["ledger", "--nonsense"], 2, "No such option"),
        (["models", "show", "1_nothing"], 6, "no model of this name"),
        (["train", "nowhere.csv", "--label", "a", "--yes"], 7, "no file nowhere.csv"),
        (["train", str(PENGUINS), "--label", "nonsense", "--yes"], 7, "no column 'nonsense'"),
        (["predict", "1_nothing", "a", "--yes"], 7, "NAME=VALUE"),
        (["datasets", "correct", "1", "zip=nonsense"], 7, "NAME=KIND"),
        (["admin", "users"], 8, "administrator"),
        (["balance", "--url", "http://127.0.0.1:1"], 3, "not signed in"),
        (["doctor", "--url", "http://127.0.0.1:1"], 5, "Nothing answers"),
        (["balance", "--url", "nonsense"], 7, "http://"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_an_exit_code(
    someone: Run, words: list[str], code: int, sentence: str
) -> None:
    done = someone(*words)

    assert done.returncode == code
    assert sentence in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_an_empty_wallet_has_an_exit_code_of_its_own(signed_in: Run) -> None:
    told(
        signed_in("train", str(PENGUINS), "-l", "species", "-t", "knn", "--name", "birds", "--yes", "--json")
    )
    name = told(signed_in("models", "--json"))[0]["name"]
    for _ in range(2):
        told(signed_in("predict", name, *FEATURES, "--yes", "--json"))

    broke = signed_in("predict", name, *FEATURES, "--yes", "--json")

    assert broke.returncode == 4
    assert json.loads(broke.stderr)["error"]["code"] == "not_enough_tokens"


def test_without_a_login_the_way_in_is_told(run: Run) -> None:
    done = run("balance")

    assert done.returncode == 3
    assert "log in" in done.stderr


def test_logging_out_ends_the_login_here(signed_in: Run) -> None:
    assert signed_in("logout").returncode == 0

    assert signed_in("whoami").returncode == 3


def test_the_doctor_finds_nothing_when_all_is_well(someone: Run) -> None:
    findings = told(someone("doctor", "--json"))

    assert [each["check"] for each in findings] == ["client", "address", "service", "clock", "login"]
    assert all(each["code"] == 0 for each in findings)


def test_the_doctor_tells_whoever_is_not_signed_in_to_log_in(run: Run) -> None:
    done = run("doctor")

    assert done.returncode == 3
    assert "log in" in done.stdout


def test_an_api_key_is_printed_once_and_works(signed_in: Run) -> None:
    made = signed_in("keys", "create", "nightly", "--scopes", "read")

    key = made.stdout.strip()

    assert key.startswith("fbx_")
    assert told(signed_in("whoami", "--json", FAREBOX_API_KEY=key))["role"] == "user"
    assert key not in signed_in("keys", "--json").stdout


def test_a_card_is_read_from_standard_input_and_not_shown(signed_in: Run) -> None:
    done = signed_in("buy", "10", "--yes", says="1234-5678-9999-0000\n")

    assert "you can spend 25" in done.stderr
    assert "1234-5678" not in done.stdout + done.stderr


def test_an_administrator_looks_after_people(run: Run, stack: Stack, client: Farebox) -> None:
    user = client.me.get()
    assert run("login", stack.admin_name, FAREBOX_PASSWORD=stack.admin_password).returncode == 0

    told(run("admin", "grant", str(user.id), "85", "--reason", "a prize", "--json"))

    [listed] = told(run("admin", "users", "--query", user.name, "--json"))
    assert listed["available"] == 100
    assert told(run("admin", "verify", "--json"))["balanced"]
    health = told(run("admin", "health", "--json"))
    assert {each["ready"] for each in health["parts"]} == {True}
    assert health["workers"] > 0
    assert told(run("admin", "disable", str(user.id), "--json"))["disabled"]
    assert told(run("admin", "delete-user", str(user.id), "--yes", "--json")) == {"deleted": user.id}
