"""Pagination: lists a page at a time, newest first, behind an opaque cursor."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from kit.errors import Malformed
from kit.fields import LARGEST_ID

DEFAULT_PAGE = 50
LARGEST_PAGE = 200

Item = TypeVar("Item")
Row = TypeVar("Row")


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    next_page_token: str | None = None


class PageRequest:
    """Rows with an id below `before`, at most `size` of them, newest first."""

    def __init__(self, page_size: int, page_token: str | None) -> None:
        self.size = min(max(page_size, 1), LARGEST_PAGE)
        self.before = LARGEST_ID if page_token is None else _read_token(page_token)

    @property
    def fetch(self) -> int:
        """How many rows to select: one more than a page, to see whether there is a next one."""
        return self.size + 1

    def page_of(
        self, rows: Sequence[Row], view: Callable[[Row], Item], id_of: Callable[[Row], int]
    ) -> Page[Item]:
        shown = rows[: self.size]
        more = len(rows) > self.size
        token = _make_token(id_of(shown[-1])) if more else None
        return Page(items=[view(row) for row in shown], next_page_token=token)


def _make_token(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def _read_token(token: str) -> int:
    try:
        value = int(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        value = -1
    if not 0 <= value <= LARGEST_ID:
        raise Malformed("The page_token is not valid; start again without it.")
    return value


async def _page_request(
    page_size: Annotated[int, Query(description=f"clamped to 1..{LARGEST_PAGE}")] = DEFAULT_PAGE,
    page_token: Annotated[str | None, Query(max_length=100)] = None,
) -> PageRequest:
    return PageRequest(page_size, page_token)


RequestedPage = Annotated[PageRequest, Depends(_page_request)]
