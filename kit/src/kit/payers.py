"""Payer of a request: the group that its header or its API key names."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header

from kit.authentication import require_scope
from kit.errors import Forbidden
from kit.fields import DecimalId, check_decimal_id
from kit.hot_routes import HotRequest, NotHot
from kit.identity import Caller

HEADER = "Farebox-Group"
RAW_HEADER = HEADER.lower().encode()

GroupInHeader = Annotated[
    DecimalId | None,
    Header(alias=HEADER, description="The id of the group that pays; without it, your default payer pays."),
]


def require_payer(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency that returns the caller with the group that pays; an API key needs this scope."""

    async def check(
        caller: Annotated[Caller, Depends(require_scope(scope))], group_id: GroupInHeader = None
    ) -> Caller:
        return with_payer(caller, group_id)

    return check


def hot_payer(request: HotRequest, scope: str) -> Caller:
    """The same for a hot route. Raises NotHot for an invalid id."""
    caller, sent = request.caller(scope), request.header(RAW_HEADER)
    try:
        return with_payer(caller, None if sent is None else int(check_decimal_id(sent)))
    except ValueError:
        raise NotHot from None


def with_payer(caller: Caller, group_id: int | None) -> Caller:
    """The caller with the group that pays. An API key that is bound to a group pays with it alone.

    Raises Forbidden.
    """
    bound = None if caller.api_key is None else caller.api_key.group_id
    if bound is not None and group_id not in (None, bound):
        raise Forbidden(
            f"This API key pays with group {bound} only; leave {HEADER} out, or use another API key."
        )
    payer = bound or group_id
    return caller if payer is None else replace(caller, group_id=payer)


PayingReader = Annotated[Caller, Depends(require_payer("read"))]
