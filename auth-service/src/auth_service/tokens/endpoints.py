"""What verifiers poll."""

from typing import Annotated

from fastapi import Query

from auth_service.dependencies import TrustFeed
from kit.app import strict_router
from kit.authentication import CallingService
from kit.errors import Unauthenticated
from kit.problems import documented
from kit.trust_store import TrustUpdate

internal_router = strict_router("/internal", tags=["internal"])


@internal_router.get("/trust", responses=documented(Unauthenticated))
async def read_trust(
    _service: CallingService, feed: TrustFeed, since: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> TrustUpdate:
    """Public keys, and what was revoked after this cursor."""
    return await feed.updates(since)
