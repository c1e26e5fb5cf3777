"""The public keys, for everybody who checks tokens."""

from fastapi import Response
from pydantic import BaseModel

from auth_service.dependencies import TrustFeed
from kit.app import strict_router

router = strict_router(tags=["sessions"])


class KeySet(BaseModel):
    keys: list[dict[str, str]]


@router.get("/.well-known/jwks.json")
async def read_public_keys(feed: TrustFeed, response: Response) -> KeySet:
    """The keys that sign access tokens (RFC 7517); none under HS256, whose one secret is not public."""
    # Shorter than the shortest time between a key's publication and its first signature.
    response.headers["Cache-Control"] = "public, max-age=5"
    return KeySet(keys=await feed.public_keys())
