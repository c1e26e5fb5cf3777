"""A class with a budget and a challenge, from its creation to the results."""

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.e2e.client.conftest import PASSWORD, PENGUINS, new_name
from tests.e2e.client.test_command import read_json, runner
from tests.support.stack import Stack

from farebox import Farebox, MemoryTokenStore
from farebox.errors import Conflict, Forbidden, NotFound, PaymentRefused
from farebox.resources.challenges import Draft, commitment_holds

OPEN_SECONDS = 45


@dataclass(frozen=True)
class Person:
    name: str
    client: Farebox


@pytest.fixture
def teacher(stack: Stack) -> Iterator[Person]:
    yield from _person(stack)


@pytest.fixture
def student(stack: Stack) -> Iterator[Person]:
    yield from _person(stack)


def _person(stack: Stack) -> Iterator[Person]:
    with Farebox(stack.url, store=MemoryTokenStore()) as client:
        name = new_name()
        client.sign_up(name, PASSWORD)
        yield Person(name, client)


def open_class(teacher: Person, student: Person) -> int:
    group = teacher.client.groups.create("Statistics 2", time_zone="Europe/Berlin")
    student.client.groups.join(teacher.client.groups.create_join_code(group.id).code)
    return group.id


def draft(dataset_id: int, **seconds: float) -> Draft:
    now = datetime.now(UTC)
    return {
        "title": "Penguins",
        "dataset_id": dataset_id,
        "label": "species",
        "metric": "accuracy",
        "opens_at": now,
        "closes_at": now + timedelta(**seconds),
    }


def test_members_spend_their_allowance_and_no_token_of_their_own(
    teacher: Person, student: Person, admin: Farebox, stack: Stack
) -> None:
    group = open_class(teacher, student)
    own = student.client.wallet.balance()
    rule = teacher.client.budgets.add_allowance_rule(group, 3, "P1W")
    assert rule.short_by == 6
    admin.budgets.grant(group, 10, "winter term")
    pool = teacher.client.budgets.wallet(group).pool
    assert pool is not None
    assert pool.available == 4
    assert student.client.budgets.funds(group).available == 3

    student.client.budgets.set_payer(group)
    model = student.client.models.train(PENGUINS, "species", type="logistic")
    assert student.client.budgets.funds().available == 2
    assert student.client.wallet.balance() == own
    spent = {usage.group: usage.tokens for usage in teacher.client.budgets.usage(group, "user")}
    assert list(spent.values()) == [1]

    teacher.client.budgets.add_limit(group, 1)
    student.client.models.train(PENGUINS, "species", type="knn")
    with pytest.raises(PaymentRefused) as refused:
        student.client.models.train(PENGUINS, "species", type="knn")
    assert refused.value.code == "spending_limit_reached"
    with Farebox(stack.url, group=group, store=MemoryTokenStore()) as stranger:
        stranger.sign_up(new_name(), PASSWORD)
        with pytest.raises(NotFound):
            stranger.models.train(PENGUINS, "species", type="knn")
    assert admin.admin.verify_ledger().balanced
    assert student.client.models.get(model.name).name == model.name


def test_challenge_from_the_draft_to_the_results(
    teacher: Person, student: Person, admin: Farebox, stack: Stack, tmp_path: Path
) -> None:
    group = open_class(teacher, student)
    teacher.client.budgets.set_payment(group, ["pool"])
    admin.budgets.grant(group, 50, "winter term")
    dataset = teacher.client.datasets.upload(PENGUINS)
    challenge = teacher.client.challenges.create(group, draft(dataset.id, seconds=OPEN_SECONDS))
    with pytest.raises(NotFound):
        student.client.challenges.get(challenge.id)
    teacher.client.jobs.wait(teacher.client.challenges.publish(challenge.id).id)

    shown = student.client.challenges.get(challenge.id)
    assert shown.rows is not None
    assert shown.rows.train + shown.rows.public + shown.rows.private == dataset.rows
    model, unused = (student.client.challenges.train(challenge.id, type=kind) for kind in ("logistic", "knn"))
    submitted = student.client.challenges.submit(challenge.id, model.name)
    assert submitted.slots_left == 4
    assert submitted.job_id is not None
    student.client.jobs.wait(submitted.job_id)
    assert student.client.challenges.submit(challenge.id, model.name).id == submitted.id
    scored = student.client.challenges.submission(submitted.id)
    assert scored.public_score is not None
    assert scored.public_score > 0.8
    assert scored.final_score is None
    board = student.client.challenges.leaderboard(challenge.id)
    assert [(line.rank, line.own, line.tokens) for line in board.items] == [(1, True, 3)]
    with pytest.raises(Forbidden):
        student.client.challenges.results(challenge.id)

    time.sleep(max(0.0, (shown.closes_at - datetime.now(UTC)).total_seconds()) + 0.5)
    with pytest.raises(Conflict):
        student.client.challenges.submit(challenge.id, unused.name)
    final = teacher.client.challenges.finalise(challenge.id)
    assert commitment_holds(final)
    [line] = csv.DictReader(io.StringIO(teacher.client.challenges.results(challenge.id)))
    assert (line["rank"], line["tokens"], line["late"]) == ("1", "3", "false")
    assert float(line["final_score"]) == student.client.challenges.submission(submitted.id).final_score

    run = runner(stack.url, tmp_path)
    assert run("login", student.name, stdin=PASSWORD + "\n").returncode == 0
    by_command = read_json(run("challenges", "leaderboard", str(challenge.id), "--json"))
    assert by_command["board"] == "final"
    assert read_json(run("challenges", "verify", str(challenge.id), "--json"))["holds"] is True
