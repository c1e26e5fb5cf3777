"""Events of auth-service for ml-service."""

from datetime import UTC, datetime
from uuid import uuid4

from tests.integration.ml.service import Json, Service
from tests.support.tokens import service_bearer

GROUP = 12


def event(kind: str, **data: object) -> Json:
    return {"id": str(uuid4()), "kind": kind, "occurred_at": datetime.now(UTC).isoformat(), "data": data}


async def deliver(service: Service, *events: Json) -> int:
    headers = service_bearer("ml-service", caller="auth-service")
    return (await service.client.post("/internal/events", json=events, headers=headers)).status_code


def group(**members: object) -> Json:
    values = {"group_id": GROUP, "name": "Statistics", "kind": "class", "time_zone": "UTC", "state": "active"}
    data = values | members
    return event("group_changed") | {"data": data}


def member(user_id: int, **members: object) -> Json:
    values = {"group_id": GROUP, "user_id": user_id, "role": "member", "state": "active", "alias": "Falcon"}
    return event("membership_changed", **values | {"external_id": None, "member_name": None} | members)
