"""Groups by the `farebox` command, run as a program: a class from its creation to its roster."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.client.conftest import PASSWORD, new_name
from tests.e2e.client.test_command import Run, read_json, runner
from tests.support.stack import Stack

ROSTER = "external_id,name,account,section\n17,Ada Lovelace,{account},A\n18,Grace Hopper,,B\n"


@pytest.fixture
def teacher(stack: Stack, tmp_path: Path) -> Run:
    return person(stack, tmp_path / "teacher", new_name())


def person(stack: Stack, config: Path, name: str) -> Run:
    run = runner(stack.url, config)
    assert run("signup", name, stdin=PASSWORD + "\n").returncode == 0
    return run


def create_class(teacher: Run) -> Any:  # Any: JSON
    words = ("groups", "create", "Statistics 2", "--time-zone", "Europe/Berlin", "--json")
    return read_json(teacher(*words))


def test_class_is_filled_by_a_code_and_a_roster(teacher: Run, stack: Stack, tmp_path: Path) -> None:
    group = str(create_class(teacher)["id"])
    account = new_name()
    student = person(stack, tmp_path / "student", account)
    file = tmp_path / "roster.csv"
    file.write_text(ROSTER.format(account=account))

    written = teacher("groups", "roster", group, str(file), "--personal-codes", "--yes")
    assert written.returncode == 0, written.stderr
    assert "+ 17 Ada Lovelace" in written.stderr

    code = teacher("groups", "code", group, "--max-uses", "30", "--only-roster").stdout.strip()
    joined = student("groups", "join", code)
    assert joined.returncode == 0, joined.stderr

    members = read_json(teacher("groups", "members", group, "--json"))
    student_row = next(member for member in members if member["account"] == account)
    assert (student_row["name"], student_row["external_id"]) == ("Ada Lovelace", "17")
    assert student("groups", "members", group).returncode == 8

    exported = tmp_path / "exported.csv"
    exported.write_text(teacher("groups", "roster", group).stdout)
    unchanged = read_json(teacher("groups", "roster", group, str(exported), "--yes", "--json"))
    assert (unchanged["unchanged"], unchanged["added"], unchanged["changed"]) == (2, [], [])


def test_stranger_with_a_code_of_the_roster_and_without_a_seat_is_refused(
    teacher: Run, stack: Stack, tmp_path: Path
) -> None:
    group = str(create_class(teacher)["id"])
    code = teacher("groups", "code", group, "--only-roster").stdout.strip()
    refused = person(stack, tmp_path / "stranger", new_name())("groups", "join", code, "--json")
    assert refused.returncode == 6
    assert json.loads(refused.stderr)["error"]["code"] == "code_unknown"


def test_member_leaves_and_the_owner_archives_and_deletes(teacher: Run, stack: Stack, tmp_path: Path) -> None:
    group = str(create_class(teacher)["id"])
    student = person(stack, tmp_path / "student", new_name())
    code = teacher("groups", "code", group).stdout.strip()
    assert student("groups", "join", code).returncode == 0
    assert student("groups", "leave", group, "--yes").returncode == 0
    assert read_json(student("groups", "--json")) == []

    refused = teacher("groups", "leave", group, "--yes", "--json")
    assert (refused.returncode, json.loads(refused.stderr)["error"]["code"]) == (9, "last_owner")
    assert teacher("groups", "archive", group, "--yes").returncode == 0
    assert student("groups", "join", code).returncode == 6
    assert teacher("groups", "delete", group, "--yes").returncode == 0
    assert read_json(teacher("groups", "list", "--json")) == []
