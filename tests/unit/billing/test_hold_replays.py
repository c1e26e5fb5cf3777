"""Retries of holds, and holds that arrive too late."""

import pytest
from tests.support.billing_books import LATER, NOW, QUOTE, USER, books_with, prediction, wallet_in

from billing_service.errors import HoldEnded
from billing_service.ledger.commands import Command, ExpireHold, RefundHold, ReleaseHold, SettleHold
from billing_service.ledger.rules import decide
from kit.errors import DeadlinePassed, IdempotencyKeyReused


def test_same_key_and_input_replays_first_answer() -> None:
    books = books_with()
    decide(prediction("a"), books, NOW)
    decide(prediction("b"), books, NOW)
    again = decide(prediction("a"), books, NOW)
    assert (again.tokens, again.available, again.replayed) == (5, 10, True)
    assert wallet_in(books).held == 10


@pytest.mark.parametrize(
    "other", [{"units": 2}, {"resource": "another"}, {"quote_id": QUOTE}, {"action": "metadata"}]
)
def test_same_key_with_other_input_is_refused(other: dict[str, object]) -> None:
    books = books_with()
    decide(prediction("a"), books, NOW)
    with pytest.raises(IdempotencyKeyReused):
        decide(prediction("a", **other), books, NOW)


def test_time_to_live_is_not_part_of_the_input() -> None:
    books = books_with()
    decide(prediction("a"), books, NOW)
    assert decide(prediction("a", ttl_seconds=5), books, NOW).replayed


@pytest.mark.parametrize(("first", "second"), [(9, None), (None, 9)])
def test_retry_with_another_credential_is_a_replay(first: int | None, second: int | None) -> None:
    books = books_with()
    decide(prediction(cap=first), books, NOW)
    assert decide(prediction(cap=second), books, NOW).replayed
    assert wallet_in(books).held == 5


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (SettleHold("work"), "settled"),
        (ReleaseHold("work"), "released"),
        (ExpireHold("work"), "expired"),
        (RefundHold("work", USER), "released"),
    ],
)
def test_retry_of_an_ended_hold_is_refused_with_its_state(end: Command, state: str) -> None:
    books = books_with()
    decide(prediction(), books, NOW)
    decide(end, books, LATER)
    with pytest.raises(HoldEnded) as refusal:
        decide(prediction(), books, LATER)
    assert refusal.value.members == {"state": state}
    assert wallet_in(books).held == 0


def test_late_hold_is_refused_and_changes_nothing() -> None:
    books = books_with()
    with pytest.raises(DeadlinePassed):
        decide(prediction(decide_by=NOW), books, LATER)
    assert books == books_with()


def test_late_retry_of_a_hold_is_a_replay() -> None:
    books = books_with()
    decide(prediction(), books, NOW)
    assert decide(prediction(decide_by=NOW), books, LATER).replayed
