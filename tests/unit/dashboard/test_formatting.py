import pytest

from dashboard.wording.figures import figure, tokens, words
from dashboard.wording.texts import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bill_length_mm", "bill_length_mm"),
        ("**bold**", r"\*\*bold\*\*"),
        ("<b>", r"\<b\>"),
        (":red[x]", r"\:red\[x\]"),
        ("$x$", r"\$x\$"),
        ("two\nlines\t", "two lines"),
        ("__main__", r"\_\_main\_\_"),
        ("1. first", r"1\. first"),
        ("- first", r"\- first"),
        (r"a\b", r"a\\b"),
    ],
)
def test_no_sign_of_markdown_keeps_its_meaning(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize("text", ["ada@example.org", "https://example.org", "www.example.org"])
def test_what_browsers_would_make_a_link_of_is_broken_up(text: str) -> None:
    assert "\u2060" in plain(text)


def test_one_token_is_singular() -> None:
    assert [tokens(1), tokens(-1), tokens(0), tokens(1500)] == [
        "1 token",
        "-1 token",
        "0 tokens",
        "1,500 tokens",
    ]


def test_figures_show_four_digits_that_matter_and_a_dash_for_none() -> None:
    assert [figure(0.98551), figure(12345.6), figure(1e-7), figure(None)] == [
        "0.9855",
        "12,346",
        "1e-07",
        "–",
    ]


def test_names_of_programs_become_words() -> None:
    assert words("opening_grant") == "Opening grant"
