"""A running billing-service on a real database, and a client for frequent requests."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from billing_service.calendar_rules import Clock
from billing_service.groups.scheduler import Scheduler
from billing_service.ledger.service import utc_now
from billing_service.main import create_app
from billing_service.purchases.cards import CardProvider
from billing_service.settings import Settings
from kit.trust_store import TrustUpdate
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET, bearer, service_bearer

ADMIN = 1
DEADLINE_SECONDS = 10


class NoRevocations:
    """A trust source that never reports a change."""

    async def updates(self, since: int) -> TrustUpdate:
        return TrustUpdate(cursor=since)


class Billing:
    """A client of one instance, with the tokens of administrator, users and services."""

    def __init__(self, http: httpx.AsyncClient, scheduler: Scheduler) -> None:
        self.http, self.scheduler = http, scheduler

    @property
    def service_headers(self) -> dict[str, str]:
        return service_bearer("billing-service") | {"Content-Type": "application/json"}

    async def operate(self, *operations: dict[str, object]) -> list[dict[str, Any]]:
        response = await self.http.post(
            "/internal/operations", json={"operations": operations}, headers=self.service_headers
        )
        assert response.status_code == 200, response.text
        return response.json()["results"]

    async def charge(self, user_id: int, key: str | None = None, **fields: object) -> dict[str, Any]:
        return (await self.operate(charge(user_id, key, **fields)))[0]

    async def refund(self, user_id: int, key: str) -> dict[str, Any]:
        return (await self.operate(refund(user_id, key)))[0]

    async def refund_hold(self, user_id: int, key: str) -> dict[str, Any]:
        return (await self.operate(refund_hold(user_id, key)))[0]

    async def hold(self, user_id: int, key: str | None = None, **fields: object) -> dict[str, Any]:
        return (await self.operate(hold(user_id, key, **fields)))[0]

    async def settle(self, key: str, **fields: object) -> dict[str, Any]:
        return (await self.operate({"operation": "settle", "hold": key, **fields}))[0]

    async def release(self, key: str) -> dict[str, Any]:
        return (await self.operate({"operation": "release", "hold": key}))[0]

    async def deliver(self, *events: dict[str, object]) -> httpx.Response:
        headers = service_bearer("billing-service", caller="auth-service")
        return await self.http.post("/internal/events", json=events, headers=headers)

    async def register(self, user_id: int, name: str | None = None, role: str = "user") -> None:
        response = await self.deliver(user_created(user_id, name or f"user{user_id}@example.org", role))
        assert response.status_code == 204, response.text

    async def grant(self, user_id: int, amount: int) -> None:
        response = await self.http.post(
            f"/v1/users/{user_id}/grants",
            json={"amount": amount, "reason": "for the test"},
            headers=bearer(ADMIN, role="admin"),
        )
        assert response.status_code == 201, response.text

    async def wallet(self, user_id: int) -> dict[str, int]:
        return (await self.http.get("/v1/me/wallet", headers=bearer(user_id))).json()

    async def ledger(self, user_id: int) -> list[dict[str, Any]]:
        return (await self.http.get("/v1/me/ledger", headers=bearer(user_id))).json()["items"]

    async def assert_books_balance(self) -> None:
        response = await self.http.get("/v1/ledger/verify", headers=bearer(ADMIN, role="admin"))
        assert response.status_code == 200, response.text
        assert response.json()["balanced"], response.text


@asynccontextmanager
async def running_billing(
    database: Database, cards: CardProvider | None = None, clock: Clock = utc_now, **settings: object
) -> AsyncGenerator[Billing]:
    """Run an instance; several may share one database and a clock."""
    values = {"jwt_secret": JWT_SECRET, **database.settings("billing"), **settings}
    app = create_app(Settings.model_validate(values), NoRevocations(), cards, clock)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://billing") as http,
    ):
        yield Billing(http, app.state.container.scheduler)


async def count_waiting(connection: asyncpg.Connection) -> int:
    """The number of statements that wait for a lock."""
    return await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def until_waiting(connection: asyncpg.Connection) -> None:
    """Return when a statement waits for a lock."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while await count_waiting(connection) == 0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def charge(user_id: object, key: str | None = None, **fields: object) -> dict[str, object]:
    """The body of a charge for one prediction."""
    work = {"key": key or uuid4().hex, "user_id": user_id, "action": "predict", "units": 1}
    return {"operation": "charge", **work, **fields}


def refund(user_id: int, key: str) -> dict[str, object]:
    return {"operation": "refund", "charge": key, "user_id": user_id}


def refund_hold(user_id: int, key: str) -> dict[str, object]:
    return {"operation": "refund", "hold": key, "user_id": user_id}


def hold(user_id: object, key: str | None = None, **fields: object) -> dict[str, object]:
    """The body of a hold for one prediction."""
    work = {"key": key or uuid4().hex, "user_id": user_id, "action": "predict", "units": 1}
    return {"operation": "hold", **work, "ttl_seconds": 60, **fields}


def event(kind: str, /, **data: object) -> dict[str, object]:
    return {"id": str(uuid4()), "kind": kind, "occurred_at": datetime.now(UTC).isoformat(), "data": data}


def user_created(user_id: int, name: str, role: str = "user") -> dict[str, object]:
    digest = sha256(name.casefold().encode()).hexdigest()
    return event("user_created", user_id=user_id, name=name, name_digest=digest, role=role)
