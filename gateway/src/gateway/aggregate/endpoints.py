"""The two product routes that no single service can answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.dependencies import Rates, SiblingsService
from gateway.errors import UpstreamDown
from kit.authentication import current_caller
from kit.identity import Caller
from kit.problems import documented

router = APIRouter(prefix="/v1")


@router.get("/me/export", responses=documented(UpstreamDown), tags=["users"])
async def export_account(
    request: Request, siblings: SiblingsService, _caller: Annotated[Caller, Depends(current_caller)]
) -> Response:
    """Everything that Farebox keeps about the caller, in one document: `auth`, `billing` and `ml`."""
    joined = await siblings.export(request.headers["authorization"])
    return Response(joined.content, joined.status, media_type=joined.media_type)


@router.get("/limits", responses=documented(UpstreamDown), tags=["limits"])
async def show_limits(siblings: SiblingsService, rates: Rates) -> dict[str, Any]:  # Any: ml-service's table
    """What is the most of everything: sizes, rows, names, seconds, and requests by class."""
    return {**await siblings.limits(), "rates": rates}
