"""Callers of ml-service: the required scope of an API key, and room for what their request stores."""

from typing import Annotated

from fastapi import Depends, Request

from kit.authentication import current_caller, require_scope
from kit.identity import Caller

TrainCaller = Annotated[Caller, Depends(require_scope("train"))]
PredictCaller = Annotated[Caller, Depends(require_scope("predict"))]


async def _require_room(request: Request, caller: Annotated[Caller, Depends(current_caller)]) -> None:
    await request.app.state.container.storage.require_room(caller.user_id)


# A request with this raises STORAGE_ERRORS before its body is streamed; put it after the caller.
RoomToStore = Annotated[None, Depends(_require_room)]
