"""The ledger check."""

from billing_service.dependencies import OneDatabase
from billing_service.verification.schemas import Verification
from billing_service.verification.service import verify
from kit.app import strict_router
from kit.authentication import Administrator
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = strict_router("/v1/ledger", ["admin"])


@router.get("/verify", responses=documented(Unauthenticated, Forbidden))
async def verify_ledger(_caller: Administrator, database: OneDatabase) -> Verification:
    """Derive every balance again from all transfers and holds, and say where it differs."""
    return Verification.of(await verify(database))
