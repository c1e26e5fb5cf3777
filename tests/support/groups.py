"""Groups in tests of billing-service: events, budgets, and a clock that the test sets."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.support.billing import ADMIN, Billing, event, hold
from tests.support.tokens import bearer

GROUP = 12
OWNER = 5
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class FakeClock:
    """A clock that stands until a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def group_changed(group_id: int = GROUP, **data: object) -> dict[str, object]:
    values = {"name": "Statistics", "kind": "class", "time_zone": "Europe/Berlin", "state": "active"}
    return event("group_changed", group_id=group_id, **{**values, **data})


def membership(
    user_id: int, group_id: int = GROUP, at: datetime = START, **data: object
) -> dict[str, object]:
    values = {
        "role": "member",
        "state": "active",
        "alias": "Falcon",
        "external_id": None,
        "member_name": None,
    }
    changed = event("membership_changed", group_id=group_id, user_id=user_id, **{**values, **data})
    return changed | {"occurred_at": at.isoformat()}


@dataclass(frozen=True)
class Budget:
    """The budget of one group, whose owner is OWNER."""

    billing: Billing
    group_id: int = GROUP

    async def open(self, *users: int, **data: object) -> None:
        """Register the owner and these members, and create the group."""
        await self.billing.register(OWNER)
        for user in users:
            await self.billing.register(user)
        await self.deliver(
            group_changed(self.group_id, **data), membership(OWNER, self.group_id, role="owner")
        )
        await self.join(*users)

    async def deliver(self, *events: dict[str, object]) -> None:
        response = await self.billing.deliver(*events)
        assert response.status_code == 204, response.text

    async def join(self, *users: int, at: datetime = START) -> None:
        await self.deliver(*(membership(user, self.group_id, at) for user in users))

    async def leave(self, user: int) -> None:
        await self.deliver(membership(user, self.group_id, state="removed"))

    async def grant(self, amount: int, **headers: str) -> dict[str, Any]:
        body = {"amount": amount, "reason": "for the test"}
        return _answer(await self.post("grants", body, ADMIN, "admin", **headers), 201)

    async def pay_from(self, *sources: str) -> None:
        _answer(await self.request("PUT", "payment", OWNER, json={"pays_from": list(sources)}), 200)

    async def add_rule(self, amount: int, every: str = "P1W", **fields: object) -> dict[str, Any]:
        body = {"amount": amount, "every": every, **fields}
        return _answer(await self.post("allowance-rules", body, OWNER), 201)

    async def add_limit(self, amount: int, every: str | None = None, **fields: object) -> dict[str, Any]:
        body = {"amount": amount, "every": every, **fields}
        return _answer(await self.post("limits", body, OWNER), 201)

    async def rules(self) -> list[dict[str, Any]]:
        return _answer(await self.request("GET", "allowance-rules", OWNER), 200)["items"]

    async def wallet(self, user: int = OWNER, role: str = "user") -> dict[str, Any]:
        return _answer(await self.request("GET", "wallet", user, role), 200)

    async def available(self, user: int) -> list[tuple[str, int]]:
        """Kinds and available tokens of a member's payers."""
        return [(payer["kind"], payer["available"]) for payer in (await self.funds(user))["payers"]]

    async def funds(self, user: int) -> dict[str, Any]:
        url = f"/v1/me/funds?group_id={self.group_id}"
        return _answer(await self.billing.http.get(url, headers=bearer(user)), 200)

    async def hold(self, user: int, key: str | None = None, **fields: object) -> dict[str, Any]:
        (result,) = await self.billing.operate(hold(user, key, group_id=self.group_id, **fields))
        return result

    async def charge(self, user: int, key: str | None = None, **fields: object) -> dict[str, Any]:
        return await self.billing.charge(user, key, group_id=self.group_id, **fields)

    async def entries(self, user: int = OWNER) -> list[dict[str, Any]]:
        return _answer(await self.request("GET", "ledger", user), 200)["items"]

    async def sums(self) -> dict[str, Any]:
        """The group's part of the verification of the ledger, which must balance."""
        response = await self.billing.http.get("/v1/ledger/verify", headers=bearer(ADMIN, role="admin"))
        assert response.json()["balanced"], response.text
        (sums,) = [each for each in response.json()["groups"] if each["group_id"] == self.group_id]
        return sums

    async def post(
        self, path: str, body: object, user: int, role: str = "user", **headers: str
    ) -> httpx.Response:
        return await self.request("POST", path, user, role, json=body, headers=headers)

    async def request(
        self,
        method: str,
        path: str,
        user: int,
        role: str = "user",
        **sent: Any,  # Any: httpx's arguments
    ) -> httpx.Response:
        headers = bearer(user, role=role) | sent.pop("headers", {})
        url = f"/v1/groups/{self.group_id}/{path}"
        return await self.billing.http.request(method, url, headers=headers, **sent)


def _answer(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    return response.json()
