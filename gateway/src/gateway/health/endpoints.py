"""The system's health, for administrators."""

import asyncio

from fastapi import APIRouter

from gateway.dependencies import HealthService
from gateway.health.schemas import HealthView
from kit.authentication import Administrator
from kit.errors import Forbidden, Unauthenticated
from kit.problems import documented

router = APIRouter(prefix="/v1")


@router.get("/health", responses=documented(Unauthenticated, Forbidden), tags=["admin"])
async def show_health(_caller: Administrator, health: HealthService) -> HealthView:
    """Which services are ready, how many jobs wait and run, and how many workers there are for them.

    It answers also when some are not.
    """
    return HealthView.of(*await asyncio.gather(health.parts(), health.load()))
