"""Account names, e-mail addresses, and text that PostgreSQL cannot store."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.fields import LONGEST_RAW_NAME, account_name, email_name, network_of
from kit.fields import fold_name, storable_text


@pytest.mark.parametrize("text", ["ada", "ada@example.org", "Åsa", "李雷", "ada-1.b_c+d"])
def test_usual_names_are_stored_unchanged(text: str) -> None:
    assert account_name(text) == text


def test_names_are_normalised_and_stripped() -> None:
    assert account_name("  ａｄａ ") == "ada"
    assert account_name("A\u030asa") == "Åsa"


@pytest.mark.parametrize(
    "text",
    ["", "  ", "a b", "a\tb", "a\nb", "a\x00", "a\x7f", "a\u200bb", "a\u202eb", "a\ue000", "a/b", "x" * 255],
)
def test_unusable_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        account_name(text)


def test_lone_surrogate_is_refused() -> None:
    for check in (account_name, storable_text):
        with pytest.raises(ValueError, match="must not"):
            check("a\ud800")


@pytest.mark.parametrize(
    ("one", "other"), [("ADA", "ada"), ("Straße", "STRASSE"), ("ａda", "ada"), ("ﬁ", "FI"), ("Å", "A\u030a")]
)
def test_spellings_of_one_name_have_one_folded_form(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@given(st.text(max_size=50))
def test_folding_a_name_is_idempotent(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)


@given(st.text(max_size=50))
def test_name_and_its_stored_form_have_one_folded_form(text: str) -> None:
    try:
        name = account_name(text)
    except ValueError:
        return
    assert fold_name(name) == fold_name(text)
    assert account_name(name) == name


@pytest.mark.parametrize("text", ["ada@example.org", "admin@farebox.local", "a@b"])
def test_email_address_is_an_email_name(text: str) -> None:
    assert email_name(text) == text


@pytest.mark.parametrize("text", ["ada", "@b.org", "a@", "a@b@c", "a@.org", "a@org.", "a b@c.org"])
def test_text_without_a_valid_address_is_no_email_name(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        email_name(text)


def seconds_of(check: Callable[[str], object], text: str) -> float:
    """The shortest of five runs, since other processes disturb some."""
    durations: list[float] = []
    for _ in range(5):
        started = time.thread_time()
        with suppress(ValueError):
            check(text)
        durations.append(time.thread_time() - started)
    return min(durations)


@pytest.mark.parametrize("part", ["a", " ", "\0", "@", "a\u0315\u0327", "\ufdfa", "\u0344"])
@pytest.mark.parametrize("check", [account_name, email_name, fold_name])
def test_longest_name_that_a_request_may_send_is_checked_quickly(
    check: Callable[[str], object], part: str
) -> None:
    assert seconds_of(check, (part * LONGEST_RAW_NAME)[:LONGEST_RAW_NAME]) < 0.05


@pytest.mark.parametrize("part", ["a", "\0", "a\u0315\u0327", "\ufdfa"])
def test_time_to_check_for_storable_text_is_linear(part: str) -> None:
    short, long = part * 100_000, part * 400_000
    assert seconds_of(storable_text, long) < 8 * seconds_of(storable_text, short) + 0.005


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("203.0.113.9:4711", "unknown"),
        ("9" * 10_000, "unknown"),
    ],
)
def test_network_of_an_address(address: str, network: str) -> None:
    assert network_of(address) == network
