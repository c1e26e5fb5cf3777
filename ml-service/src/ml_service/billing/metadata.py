"""Reading about one's models may have a price."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from starlette.responses import Response

from kit.identity import Caller
from ml_service.billing.charging import charged, charged_headers
from ml_service.billing.port import Billing, Charge, HoldKey

HOLD_SECONDS = 30
Result = TypeVar("Result")


class MetadataMeter:
    def __init__(self, billing: Billing) -> None:
        self._billing = billing

    async def read(
        self,
        caller: Caller,
        response: Response,
        work: Callable[[], Awaitable[Result]],
        resource: str | None = None,
    ) -> Result:
        """Do the reading, paid for if it has a price; while it is free billing is not asked."""
        if (await self._billing.prices())["metadata"].tokens == 0:
            return await work()
        charge = Charge(
            key=HoldKey(f"metadata:{uuid4().hex}"),
            user_id=caller.user_id,
            action="metadata",
            ttl_seconds=HOLD_SECONDS,
            resource=resource,
            api_key=caller.api_key,
        )
        result, receipt = await charged(self._billing, charge, work)
        response.headers.update(charged_headers(receipt))
        return result
