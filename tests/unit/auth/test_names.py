"""What may be an account name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.fields import account_name, email_name, fold, usable_text


@pytest.mark.parametrize("text", ["ada", "ada@example.org", "Åsa", "李雷", "ada-1.b_c+d"])
def test_usual_names_are_kept_as_they_are(text: str) -> None:
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


def test_a_lone_surrogate_is_refused() -> None:
    for check in (account_name, usable_text):
        with pytest.raises(ValueError, match="must not"):
            check("a\ud800")


@pytest.mark.parametrize(
    ("one", "other"), [("ADA", "ada"), ("Straße", "STRASSE"), ("ａda", "ada"), ("ﬁ", "FI"), ("Å", "A\u030a")]
)
def test_spellings_of_one_name_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(max_size=50))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(max_size=50))
def test_a_name_and_what_is_kept_of_it_fold_alike(text: str) -> None:
    try:
        name = account_name(text)
    except ValueError:
        return
    assert fold(name) == fold(text)
    assert account_name(name) == name


@pytest.mark.parametrize("text", ["ada@example.org", "admin@farebox.local", "a@b"])
def test_e_mail_addresses_are_e_mail_names(text: str) -> None:
    assert email_name(text) == text


@pytest.mark.parametrize("text", ["ada", "@b.org", "a@", "a@b@c", "a@.org", "a@org.", "a b@c.org"])
def test_other_texts_are_no_e_mail_names(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        email_name(text)
