"""A user's belongings, and word from auth-service about users."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, Depends, Request
from pydantic import Field

from kit.app import strict_router
from kit.authentication import AccountOwner, CallingService
from kit.outbox import Event
from ml_service.accounts.schemas import ExportView
from ml_service.accounts.service import AccountService
from ml_service.jobs.schemas import MOST_FEATURES
from ml_service.models.rules import LONGEST_GIVEN_NAME
from ml_service.predictions.schemas import MOST_ROWS
from ml_service.settings import MlSettings

router = strict_router("", ["account"])

MOST_EVENTS = 1000


async def _accounts(request: Request) -> AccountService:
    return request.app.state.container.accounts


async def _settings(request: Request) -> MlSettings:
    return request.app.state.container.settings


Accounts = Annotated[AccountService, Depends(_accounts)]
Settings = Annotated[MlSettings, Depends(_settings)]


@router.get("/v1/me/export")
async def export_belongings(caller: AccountOwner, accounts: Accounts) -> ExportView:
    """Everything of yours that ml-service keeps, but for the files themselves."""
    return ExportView.of(await accounts.collect(caller.user_id))


@router.get("/v1/limits")
async def list_limits(settings: Settings) -> dict[str, Any]:  # Any: numbers in nested tables
    """How large, long and slow things may be; open to everybody."""
    return {
        "csv": asdict(settings.csv_limits),
        "datasets": {"count": settings.max_datasets, "bytes": settings.max_datasets_bytes},
        "training": {
            "seconds": settings.max_train_seconds,
            "features": MOST_FEATURES,
            "model_name_length": LONGEST_GIVEN_NAME,
        },
        "jobs": {"running_per_user": settings.max_running_jobs},
        "prediction": {"rows": MOST_ROWS},
        "batch": {"rows_at_once": settings.batch_rows_at_once, "result_hours": settings.answers_kept_hours},
    }


@router.post("/internal/events", status_code=204, include_in_schema=False)
async def apply_events(
    events: Annotated[list[Event], Body(), Field(max_length=MOST_EVENTS)],
    _caller: CallingService,
    accounts: Accounts,
) -> None:
    """What happened to users, at least once and applied once."""
    await accounts.apply(events)
