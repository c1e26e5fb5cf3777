"""Deadlines of requests: read from the header, counted from the receipt."""

import time

import pytest

from kit.deadlines import remaining_seconds, require_time_left, start_deadline
from kit.errors import DeadlinePassed


def test_deadline_counts_from_the_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    received = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: received)
    start_deadline(b"1500")
    assert remaining_seconds() == 1.5
    require_time_left()
    monkeypatch.setattr(time, "monotonic", lambda: received + 1.6)
    assert remaining_seconds() == 0.0
    with pytest.raises(DeadlinePassed):
        require_time_left()


@pytest.mark.parametrize("sent", [None, b"", b"-1", b"1.5", b"1e3", b" 5", b"9" * 10, "١٢".encode()])
def test_request_without_a_valid_header_has_no_deadline(sent: bytes | None) -> None:
    start_deadline(b"0")
    start_deadline(sent)
    assert remaining_seconds() is None
    require_time_left()
