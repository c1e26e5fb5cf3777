"""Rules of billing-service's findings: ledger, holds and prices."""

from datetime import UTC, datetime, timedelta

from billing_service.diagnosis import find_holds, find_ledger, find_prices
from billing_service.statements.queries import OverdueHolds
from billing_service.statements.verification import Verification

NOW = datetime(2026, 5, 4, tzinfo=UTC)
PRICES = {"train": 1, "predict": 5, "batch": 5, "metadata": 0, "score": 1}
BALANCED = Verification(
    balanced=True,
    sum=0,
    wallets=1,
    transfers=1234,
    open_holds=2,
    house={},
    charged=1,
    settled=1,
    receipted=1,
    refunded=0,
    differences=[],
    incomplete_parts=0,
    groups=[],
)


def test_balanced_books_are_ok() -> None:
    assert find_ledger(BALANCED).status == "ok"
    assert "transfers: 1,234" in find_ledger(BALANCED).detail


def test_unbalanced_books_are_failed() -> None:
    finding = find_ledger(BALANCED.model_copy(update={"balanced": False, "sum": 7}))
    assert finding.status == "failed"
    assert "sum: 7" in finding.detail


def test_overdue_holds_are_a_warning_with_their_age() -> None:
    finding = find_holds(OverdueHolds(3, NOW - timedelta(minutes=12)), NOW)
    assert finding.status == "warning"
    assert "12 minutes" in finding.detail
    assert find_holds(OverdueHolds(0, None), NOW).status == "ok"


def test_action_without_a_price_is_failed() -> None:
    assert find_prices(PRICES).status == "ok"
    finding = find_prices({action: tokens for action, tokens in PRICES.items() if action != "batch"})
    assert (finding.status, "batch" in finding.detail) == ("failed", True)
