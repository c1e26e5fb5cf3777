"""Lists that come a page at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel

from farebox.calls import Call, Page, Parameter, page
from farebox.session import Exchange
from farebox.steps import Emit, Emits

Item = TypeVar("Item", bound=BaseModel)
PAGE_SIZE = 200


def list_of(
    path: str,
    kind: type[Item],
    params: Mapping[str, Parameter] | None = None,
    *,
    authorized: bool = True,
) -> Call[Page[Item]]:
    """The call for a list's first page."""
    return Call("GET", path, page(kind), params=params or {}, authorized=authorized)


def every_page(exchange: Exchange, first: Call[Page[Item]]) -> Emits[Item]:
    """Emits each item of a list; a page is fetched when the one before it is used up."""
    token: str | None = None
    while True:
        params = {**first.params, "page_size": PAGE_SIZE, "page_token": token}
        current = yield from exchange.ask(replace(first, params=params))
        for item in current.items:
            yield Emit(item)
        token = current.next_page_token
        if token is None:
            return
