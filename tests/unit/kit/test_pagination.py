import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import Malformed
from kit.pagination import LARGEST_PAGE, PageRequest

ROWS = list(range(100, 0, -1))
# Other writings of 5 inside, and of the token of 5, which is `NQ`.
WRITINGS = (" 5", "5\n", "+5", "05", "0_5", "5_0", "٥", "0", "-0")
LENIENT = [base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in WRITINGS]
LENIENT += ["NQ==", "NR", " NQ", "N Q", "N!Q"]


def read_all(size: int) -> list[list[int]]:
    pages: list[list[int]] = []
    token: str | None = None
    while token is not None or not pages:
        request = PageRequest(size, token)
        rows = [row for row in ROWS if row < request.before][: request.fetch]
        page = request.page_of(rows, view=lambda row: row, id_of=lambda row: row)
        pages.append(page.items)
        token = page.next_page_token
    return pages


@given(st.integers(1, 120))
def test_page_tokens_lead_to_each_row_once(size: int) -> None:
    assert [row for page in read_all(size) for row in page] == ROWS


def test_full_last_page_has_no_next_page_token() -> None:
    assert [len(page) for page in read_all(50)] == [50, 50]


@pytest.mark.parametrize(("requested", "size"), [(-5, 1), (0, 1), (10, 10), (10**9, LARGEST_PAGE)])
def test_page_size_is_clamped(requested: int, size: int) -> None:
    assert PageRequest(requested, None).size == size


@pytest.mark.parametrize(("most", "size"), [(3, 3), (10, 10), (99, 10)])
def test_smaller_page_starts_at_the_same_row(most: int, size: int) -> None:
    request = PageRequest(10, None)
    smaller = request.at_most(most)
    assert (smaller.size, smaller.fetch, smaller.before) == (size, size + 1, request.before)
    assert request.size == 10


@pytest.mark.parametrize(
    "token", ["", "x", "!!!!", "LTE", "OTIyMzM3MjAzNjg1NDc3NTgwOA", "éé", "\x00", *LENIENT]
)
def test_foreign_page_token_is_refused(token: str) -> None:
    with pytest.raises(Malformed, match="start again without it"):
        PageRequest(10, token)


@given(st.text(max_size=100))
def test_any_page_token_is_read_or_refused(token: str) -> None:
    try:
        request = PageRequest(10, token)
    except Malformed:
        return
    assert 0 <= request.before < 2**63
