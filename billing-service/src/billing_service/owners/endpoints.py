"""Events from auth-service; not published by the gateway."""

from typing import Annotated

from fastapi import Body

from billing_service.dependencies import AllOwners
from kit.app import strict_router
from kit.authentication import CallingService
from kit.outbox import Event

MOST_EVENTS = 1000

router = strict_router("/internal", ["between services"])


@router.post("/events", status_code=204, include_in_schema=False)
async def receive_events(
    events: Annotated[list[Event], Body(max_length=MOST_EVENTS)], _caller: CallingService, owners: AllOwners
) -> None:
    """Apply each event once, however often it is delivered."""
    await owners.apply(events)
