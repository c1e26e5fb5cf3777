"""Rules of auth-service's findings: signing keys, secrets and administrators."""

from datetime import UTC, datetime, timedelta

import pytest

from auth_service.diagnosis import (
    find_administrators,
    find_first_password,
    find_previous_secret,
    find_signing_keys,
)
from auth_service.tokens.rules import KeyTimes

NOW = datetime(2026, 5, 4, tzinfo=UTC)
TERM = timedelta(days=30)


@pytest.mark.parametrize(("days", "status"), [(0, "ok"), (29, "ok"), (30.5, "ok"), (31, "warning")])
def test_signing_key_beyond_its_term_is_overdue(days: float, status: str) -> None:
    keys = [KeyTimes("first", NOW - timedelta(days=days), None)]
    assert find_signing_keys(keys, NOW, TERM).status == status


def test_published_successor_is_not_overdue() -> None:
    successor = KeyTimes("second", NOW + timedelta(seconds=60), None)
    keys = [KeyTimes("first", NOW - timedelta(days=40), NOW), successor]
    assert find_signing_keys(keys, NOW, TERM).status == "ok"


def test_missing_signing_key_is_failed() -> None:
    assert find_signing_keys([], NOW, TERM).status == "failed"


def test_previous_secret_is_to_be_removed() -> None:
    assert find_previous_secret(is_set=True).status == "warning"
    assert find_previous_secret(is_set=False).status == "ok"


@pytest.mark.parametrize(("count", "status"), [(0, "failed"), (1, "ok"), (2, "ok")])
def test_one_administrator_is_needed(count: int, status: str) -> None:
    assert find_administrators(count).status == status


def test_unchanged_first_password_is_a_warning() -> None:
    assert find_first_password(unchanged=True).status == "warning"
    assert find_first_password(unchanged=False).status == "ok"
