"""Public keys, and updates of the trust stores of other services."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from auth_service.tokens.revocations import DatabaseTrustSource
from kit.app import strict_router
from kit.authentication import CallingService
from kit.errors import Unauthenticated
from kit.fields import NotNegative
from kit.problems import documented
from kit.trust_store import TrustUpdate

router = strict_router(tags=["sessions"])
internal_router = strict_router("/internal", tags=["internal"])


async def _trust_source(request: Request) -> DatabaseTrustSource:
    return request.app.state.container.trust_source


OwnTrustSource = Annotated[DatabaseTrustSource, Depends(_trust_source)]


class KeySet(BaseModel):
    keys: list[dict[str, str]]


@router.get("/.well-known/jwks.json")
async def read_public_keys(source: OwnTrustSource, response: Response) -> KeySet:
    """The public keys of access tokens (RFC 7517); none under HS256, which has a shared secret."""
    # At most the shortest time between a key's publication and its first signature.
    response.headers["Cache-Control"] = "public, max-age=5"
    return KeySet(keys=await source.public_keys())


@internal_router.get("/trust", responses=documented(Unauthenticated))
async def read_trust(
    _service: CallingService, source: OwnTrustSource, since: Annotated[NotNegative, Query()] = 0
) -> TrustUpdate:
    """The public keys, and the revocations since a cursor."""
    return await source.updates(since)
