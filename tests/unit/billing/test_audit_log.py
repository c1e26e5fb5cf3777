"""Log events of the ledger: one for each movement, with the request behind it."""

from uuid import UUID

from structlog.testing import capture_logs
from tests.support.billing_books import NOW, USER, books_with, charge

from billing_service.ledger.audit_log import log_outcome
from billing_service.ledger.commands import Command, RefundCharge
from billing_service.ledger.rules import decide_all


def events_of(*commands: Command) -> list[dict[str, object]]:
    """The log events of commands that are decided together, as the operations of one call are."""
    outcomes = decide_all(commands, books_with(14), NOW)
    with capture_logs() as events:
        for command, outcome in zip(commands, outcomes, strict=True):
            log_outcome(command, outcome)
    return [dict(event) for event in events]


def test_charge_and_refund_are_logged_with_their_own_request() -> None:
    refund = RefundCharge("a", USER, request_id="r-2")
    charged, refunded = events_of(charge("a", request_id="r-1"), refund)
    assert isinstance(charged.pop("receipt"), UUID)
    work = {"log_level": "info", "user": USER, "action": "predict", "model": "a-model", "tokens": 5}
    assert charged == {"event": "tokens_charged", "request_id": "r-1", **work}
    assert refunded == {"event": "tokens_refunded", "request_id": "r-2", "charge": "a", **work}


def test_operation_without_request_id_leaves_that_of_the_call() -> None:
    (charged,) = events_of(charge("a"))
    assert "request_id" not in charged


def test_replay_is_not_logged() -> None:
    assert len(events_of(charge("a"), charge("a"))) == 1


def test_refused_charge_is_logged_with_the_missing_tokens() -> None:
    (refused,) = events_of(charge("a", units=3, request_id="r-1"))
    assert (refused["event"], refused["charge"], refused["request_id"]) == ("not_enough_tokens", "a", "r-1")
    assert (refused["required"], refused["available"]) == (15, 14)
