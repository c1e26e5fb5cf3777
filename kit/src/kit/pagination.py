"""Pagination: lists in pages, newest first, with an opaque cursor."""

import base64
import binascii
from collections.abc import Callable, Sequence
from copy import copy
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from kit.errors import Malformed
from kit.fields import LARGEST_ID, WholeNumber

DEFAULT_PAGE = 50
LARGEST_PAGE = 200

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_page_token: str | None = None


class PageRequest:
    """A request for at most `size` rows with an id below `before`, newest first."""

    def __init__(self, page_size: int, page_token: str | None) -> None:
        self.size = min(max(page_size, 1), LARGEST_PAGE)
        self.before = LARGEST_ID if page_token is None else _read_token(page_token)

    def at_most(self, size: int) -> "PageRequest":
        """The same request for a page of at most this size."""
        smaller = copy(self)
        smaller.size = min(self.size, size)
        return smaller

    @property
    def fetch(self) -> int:
        """The number of rows to select: one more than a page, to detect a next page."""
        return self.size + 1

    def page_of(
        self, rows: Sequence[Row], view: Callable[[Row], Item], id_of: Callable[[Row], int]
    ) -> Page[Item]:
        page_rows = rows[: self.size]
        has_more = len(rows) > self.size
        token = _create_token(id_of(page_rows[-1])) if has_more else None
        return Page(items=[view(row) for row in page_rows], next_page_token=token)


def _create_token(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def _read_token(token: str) -> int:
    try:
        value = int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        value = -1
    # Both decoders are lenient, with blanks, signs, other digits and characters that are not base64.
    if not 1 <= value <= LARGEST_ID or _create_token(value) != token:
        raise Malformed("The page_token is not valid; start again without it.")
    return value


async def _page_request(
    page_size: Annotated[WholeNumber, Query(description=f"clamped to 1..{LARGEST_PAGE}")] = DEFAULT_PAGE,
    page_token: Annotated[str | None, Query(max_length=100)] = None,
) -> PageRequest:
    return PageRequest(page_size, page_token)


RequestedPage = Annotated[PageRequest, Depends(_page_request)]
