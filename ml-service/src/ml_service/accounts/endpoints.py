"""Accounts over HTTP: export of a user's data, limits, events of auth-service."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import Field, TypeAdapter, ValidationError

from kit.app import strict_router
from kit.authentication import AccountOwner, CallingService
from kit.database import Database, Session, after_commit
from kit.errors import InvalidInput
from kit.fields import RowId
from kit.identity import UserId
from kit.outbox import Event, first_delivery
from ml_service.accounts.export import ExportView, export
from ml_service.accounts.repository import AccountRepository
from ml_service.accounts.sweeper import Sweeper
from ml_service.groups.events import GROUP_EVENTS, apply_group_event
from ml_service.jobs.schemas import MAX_FEATURES
from ml_service.learning.predictors import MOST_CELLS, MOST_WARNINGS
from ml_service.models.rules import LONGEST_GIVEN_NAME
from ml_service.orm import inbox
from ml_service.predictions.schemas import MOST_ROWS
from ml_service.settings import MlSettings

router = strict_router("", ["account"])

MAX_EVENTS = 1000
_row_id: TypeAdapter[int] = TypeAdapter(RowId)


async def _sweeper(request: Request) -> Sweeper:
    return request.app.state.container.sweeper


async def _database(request: Request) -> Database:
    return request.app.state.container.database


async def _settings(request: Request) -> MlSettings:
    return request.app.state.container.settings


DatabaseOfService = Annotated[Database, Depends(_database)]
SweeperOfService = Annotated[Sweeper, Depends(_sweeper)]
Settings = Annotated[MlSettings, Depends(_settings)]


@router.get("/v1/me/export", response_model=ExportView)
async def export_account(caller: AccountOwner, database: DatabaseOfService) -> StreamingResponse:
    """All data that ml-service stores about you, except the files themselves; each list newest first."""
    return StreamingResponse(export(database, caller.user_id), media_type="application/json")


@router.get("/v1/limits")
async def list_limits(settings: Settings) -> dict[str, Any]:  # Any: numbers in nested tables
    """Limits on size, length and time; no login needed."""
    return {
        "csv": asdict(settings.csv_limits),
        "datasets": {"count": settings.max_datasets, "bytes": settings.max_stored_bytes},
        "storage": {"bytes": settings.max_stored_bytes},
        "training": {
            "seconds": settings.max_train_seconds,
            "features": MAX_FEATURES,
            "model_name_length": LONGEST_GIVEN_NAME,
        },
        "jobs": {
            "running_per_user": settings.max_running_jobs,
            "queued_per_user": settings.max_queued_jobs,
        },
        "prediction": {
            "rows": MOST_ROWS,
            "cells": MOST_CELLS,
            "warnings": MOST_WARNINGS,
            "seconds": settings.prediction_seconds,
        },
        "models": {"bytes": settings.max_model_bytes},
        "exports": {"bytes": settings.max_export_bytes},
        "batch": {"rows_at_once": settings.batch_rows_at_once, "result_hours": settings.answers_kept_hours},
    }


@router.post("/internal/events", status_code=204, include_in_schema=False)
async def apply_events(
    events: Annotated[list[Event], Body(), Field(max_length=MAX_EVENTS)],
    _caller: CallingService,
    session: Session,
    sweeper: SweeperOfService,
) -> None:
    """Apply each event of auth-service once, however often it arrives; kinds without effect here are skipped.

    What was deleted leaves files, which the sweeper deletes.
    """
    for event in events:
        if not await first_delivery(session, inbox, event):
            continue
        if event.kind == "user_deleted":
            await AccountRepository(session).mark_deleted(_deleted_user(event))
        elif event.kind in GROUP_EVENTS:
            await apply_group_event(session, event)
    if any(event.kind in ("user_deleted", "group_deleted") for event in events):
        after_commit(session, sweeper.wake)


def _deleted_user(event: Event) -> UserId:
    try:
        return UserId(_row_id.validate_python(event.data.get("user_id")))
    except ValidationError:
        raise InvalidInput("The event's data does not match its kind.") from None
