"""Formats of numbers, and escaping of user-supplied text."""

import pytest

from dashboard.formatting import code, escape, number, percent, title_case, tokens


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
def test_markdown_signs_are_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


@pytest.mark.parametrize("text", ["ada@example.org", "https://example.org", "www.example.org"])
def test_text_that_looks_like_a_link_gets_a_joiner(text: str) -> None:
    assert "\u2060" in escape(text)


def test_one_token_is_singular() -> None:
    assert [tokens(1), tokens(-1), tokens(0), tokens(1500)] == [
        "1 token",
        "-1 token",
        "0 tokens",
        "1,500 tokens",
    ]


def test_numbers_have_four_significant_digits_and_none_is_a_dash() -> None:
    assert [number(0.98551), number(12345.6), number(1e-7), number(None)] == [
        "0.9855",
        "12,346",
        "1e-07",
        "–",
    ]


def test_identifiers_become_title_case() -> None:
    assert title_case("opening_grant") == "Opening grant"


def test_percent_has_one_decimal_and_no_blank() -> None:
    assert [percent(0.80668), percent(0.9, 0), percent(None)] == ["80.7%", "90%", "–"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ada@example.org", "` ada@example.org `"),
        ("a`b``c", "``` a`b``c ```"),
        ("two\nlines", "` two lines `"),
    ],
)
def test_code_keeps_the_text_without_hidden_characters(name: str, shown: str) -> None:
    assert code(name) == shown
