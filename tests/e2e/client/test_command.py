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
    """Run the command as a script does, without a terminal."""
    settings = {"FAREBOX_URL": url, "FAREBOX_CONFIG_DIR": str(config)}

    def run_command(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", "from farebox.command.app import main; main()", *words],
            env=os.environ | settings | environment,
            input=stdin,
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
def logged_in(run: Run) -> Run:
    assert run("signup", new_name(), stdin=PASSWORD + "\n").returncode == 0
    return run


@pytest.fixture(scope="module")
def shared(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A logged-in user whose account no test changes."""
    run = runner(stack.url, tmp_path_factory.mktemp("config"))
    assert run("signup", new_name(), stdin=PASSWORD + "\n").returncode == 0
    return run


def read_json(completed: subprocess.CompletedProcess[str]) -> Any:  # Any: JSON
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def test_train_needs_only_file_and_label(logged_in: Run) -> None:
    trained = logged_in("train", str(PENGUINS), "--label", "species", "--yes")

    assert trained.returncode == 0, trained.stderr
    assert "random_forest" in trained.stdout
    assert "accuracy" in trained.stdout
    assert "Charged 1 token" in trained.stderr


def test_train_auto_prints_leaderboard(logged_in: Run) -> None:
    trained = logged_in(
        "train", str(PENGUINS), "-l", "species", "-t", "auto", "--budget-tokens", "1", "--yes"
    )

    assert trained.returncode == 0, trained.stderr
    assert "balanced_accuracy" in trained.stdout
    assert "not tried" in trained.stdout
    assert "costs up to 1 token." in trained.stderr
    assert "Charged 1 token" in trained.stderr


def test_main_journey_as_script(logged_in: Run) -> None:
    trained = read_json(
        logged_in("train", str(PENGUINS), "-l", "species", "-p", "n_estimators=10", "--yes", "--json")
    )
    name = trained["model"]["name"]

    predicted = read_json(logged_in("predict", name, *FEATURES, "--yes", "--json"))

    assert predicted["prediction"] == "Adelie"
    assert predicted["charge"]["tokens"] == 5
    assert read_json(logged_in("balance", "--json"))["available"] == 9
    assert [row["amount"] for row in read_json(logged_in("ledger", "--json"))] == [-5, -1, 15]
    assert [model["name"] for model in read_json(logged_in("models", "--json"))] == [name]
    assert read_json(logged_in("jobs", "--json"))[0]["state"] == "succeeded"
    assert read_json(logged_in("datasets", "--json"))[0]["name"] == "penguins.csv"
    assert read_json(logged_in("models", "delete", name, "--yes", "--json")) == {"deleted": name}


def test_report_and_prediction_with_coverage(logged_in: Run, tmp_path: Path) -> None:
    options = ("-l", "species", "-t", "logistic", "--yes", "--json")
    name = read_json(logged_in("train", str(PENGUINS), *options))["model"]["name"]

    report, page = logged_in("report", name), tmp_path / "report.html"
    assert report.returncode == 0, report.stderr
    assert "Better than guessing" in report.stderr
    assert "drop when shuffled" in report.stdout
    assert logged_in("report", name, "--html", str(page)).returncode == 0
    assert page.read_text().startswith("<!doctype html>")

    predicted = logged_in("predict", name, *FEATURES, "--probabilities", "--coverage", "0.95", "--yes")
    assert predicted.returncode == 0, predicted.stderr
    headings, row = (line.split() for line in predicted.stdout.splitlines())
    assert headings == ["prediction", "p(Adelie)", "p(Chinstrap)", "p(Gentoo)", "labels"]
    assert row[0] == "Adelie"


def test_dataset_is_shown_with_findings(logged_in: Run, tmp_path: Path) -> None:
    table = tmp_path / "codes.csv"
    rows = (f"{500 + n % 4},{'yes' if n % 4 > 1 else 'no'}" for n in range(60))
    table.write_text("\n".join(["code,passed", *rows, ""]))

    added = logged_in("datasets", "add", str(table), "--kinds", "code=text")

    assert added.returncode == 0, added.stderr
    assert "500 (15), 501 (15), 502 (15), ..." in added.stdout
    assert "repeat an earlier one" not in added.stdout
    dataset = str(read_json(logged_in("datasets", "--json"))[0]["id"])
    shown = logged_in("datasets", "show", dataset, "--label", "passed")
    assert "'code' alone avoids 100% of the wrong guesses about 'passed'" in shown.stdout
    assert (
        read_json(logged_in("datasets", "correct", dataset, "code=number", "--json"))["columns"][0]["kind"]
        == "number"
    )


def test_nothing_is_charged_without_confirmation(shared: Run) -> None:
    refused = shared("train", str(PENGUINS), "--label", "species")

    assert refused.returncode == 7
    assert "costs 1 token" in refused.stderr
    assert read_json(shared("balance", "--json"))["available"] == 15


def test_rows_file_prints_one_prediction_per_line(
    run: Run,
    owner: Farebox,
    penguins: Any,
    tmp_path: Path,  # Any: a Model
) -> None:
    rows = tmp_path / "rows.csv"
    header, first, second = (line.partition(",")[2] for line in PENGUINS.read_text().splitlines()[:3])
    rows.write_text(f"{header}\n{first}\n{second}\n")
    key = owner.api_keys.create("rows", scopes=["predict"]).api_key

    completed = run("predict", penguins.name, "--rows", str(rows), "--yes", FAREBOX_API_KEY=key)

    assert completed.stdout == "Adelie\nAdelie\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["ledger", "--nonsense"], 2, "No such option"),
        (["models", "show", "1_nothing"], 6, "with: farebox models list"),
        (["train", "nowhere.csv", "--label", "a", "--yes"], 7, "no file nowhere.csv"),
        (["train", str(PENGUINS), "--label", "nonsense", "--yes"], 7, "no column 'nonsense'"),
        (["predict", "1_nothing", "a", "--yes"], 7, "NAME=VALUE"),
        (["datasets", "correct", "1", "zip=nonsense"], 7, "COLUMN=TYPE"),
        (["admin", "users"], 8, "administrator"),
        (["balance", "--url", "http://127.0.0.1:1"], 3, "not logged in"),
        (["doctor", "--url", "http://127.0.0.1:1"], 5, "Nothing responds"),
        (["balance", "--url", "nonsense"], 7, "http://"),
    ],
)
def test_failure_has_message_and_exit_code(shared: Run, words: list[str], code: int, message: str) -> None:
    completed = shared(*words)

    assert completed.returncode == code
    assert message in completed.stderr + completed.stdout
    assert "Traceback" not in completed.stderr


def test_not_enough_tokens_has_its_own_exit_code(logged_in: Run) -> None:
    read_json(
        logged_in("train", str(PENGUINS), "-l", "species", "-t", "knn", "--name", "birds", "--yes", "--json")
    )
    name = read_json(logged_in("models", "--json"))[0]["name"]
    for _ in range(2):
        read_json(logged_in("predict", name, *FEATURES, "--yes", "--json"))

    refused = logged_in("predict", name, *FEATURES, "--yes", "--json")

    assert refused.returncode == 4
    assert json.loads(refused.stderr)["error"]["code"] == "not_enough_tokens"


def test_missing_login_names_login_command(run: Run) -> None:
    completed = run("balance")

    assert completed.returncode == 3
    assert "farebox login" in completed.stderr


def test_logout_ends_login(logged_in: Run) -> None:
    assert logged_in("logout").returncode == 0

    assert logged_in("whoami").returncode == 3


def test_doctor_finds_no_fault_in_healthy_system(shared: Run) -> None:
    findings = read_json(shared("doctor", "--json"))

    assert [finding["check"] for finding in findings] == ["client", "address", "service", "clock", "login"]
    assert all(finding["code"] == 0 for finding in findings)


def test_doctor_checks_every_service_for_an_administrator(run: Run, stack: Stack) -> None:
    assert run("login", stack.admin_name, stdin=stack.admin_password + "\n").returncode == 0

    completed = run("doctor", "--server", "--json")

    diagnosis = json.loads(completed.stdout)
    status = {(found["service"], found["check"]): found["status"] for found in diagnosis["findings"]}
    assert completed.returncode == 0, diagnosis
    assert {service for service, _ in status} == {"gateway", "auth-service", "billing-service", "ml-service"}
    assert status["billing-service", "ledger"] == status["ml-service", "store files"] == "ok"
    assert status["ml-service", "cluster"] == status["auth-service", "migrations"] == "ok"
    assert all(
        state == "ok"
        for (_, check), state in status.items()
        if check in ("clock", "database clock", "addresses")
    )


def test_doctor_of_services_is_for_administrators(shared: Run) -> None:
    assert shared("doctor", "--server").returncode == 8


def test_doctor_reports_missing_login(run: Run) -> None:
    completed = run("doctor")

    assert completed.returncode == 3
    assert "farebox login" in completed.stdout


def test_api_key_is_printed_once_and_works(logged_in: Run) -> None:
    created = logged_in("keys", "create", "nightly", "--scopes", "read")

    key = created.stdout.strip()

    assert key.startswith("fbx_")
    assert read_json(logged_in("whoami", "--json", FAREBOX_API_KEY=key))["role"] == "user"
    assert key not in logged_in("keys", "--json").stdout


def test_card_number_is_read_from_standard_input_and_not_printed(logged_in: Run) -> None:
    completed = logged_in("buy", "10", "--yes", stdin="1234-5678-9999-0000\n")

    assert "25 are available" in completed.stderr
    assert "1234-5678" not in completed.stdout + completed.stderr


def test_admin_manages_users(run: Run, stack: Stack, client: Farebox) -> None:
    user = client.me.get()
    assert run("login", stack.admin_name, FAREBOX_PASSWORD=stack.admin_password).returncode == 0

    read_json(run("admin", "grant", str(user.id), "85", "--reason", "a prize", "--json"))

    [user_row] = read_json(run("admin", "users", "--query", user.name, "--json"))
    assert user_row["available"] == 100
    assert read_json(run("admin", "verify", "--json"))["balanced"]
    health = read_json(run("admin", "health", "--json"))
    assert {service["ready"] for service in health["parts"]} == {True}
    assert health["workers"] > 0
    assert read_json(run("admin", "disable", str(user.id), "--json"))["disabled"]
    assert read_json(run("admin", "delete-user", str(user.id), "--yes", "--json")) == {"deleted": user.id}
