"""Logged-in users of the gateway."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.support.stack import Stack

PASSWORD = "a password for the tests"
WALLET_SECONDS = 15
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Person:
    """A user who sends requests with a credential: an access token or an API key."""

    http: httpx.AsyncClient
    id: int
    name: str
    password: str
    credential: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.credential}"}

    def with_credential(self, credential: str) -> "Person":
        """The same user with another token or key."""
        return Person(self.http, self.id, self.name, self.password, credential)

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str | bytes] | None = None,
        **sent: Any,  # Any: httpx's request arguments
    ) -> httpx.Response:
        return await self.http.request(method, path, headers={**self.bearer, **(headers or {})}, **sent)

    async def get(self, path: str, **sent: Any) -> httpx.Response:  # Any: as above
        return await self.request("GET", path, **sent)

    async def post(self, path: str, **sent: Any) -> httpx.Response:  # Any: as above
        return await self.request("POST", path, **sent)

    async def put(self, path: str, **sent: Any) -> httpx.Response:  # Any: as above
        return await self.request("PUT", path, **sent)

    async def patch(self, path: str, **sent: Any) -> httpx.Response:  # Any: as above
        return await self.request("PATCH", path, **sent)

    async def delete(self, path: str, **sent: Any) -> httpx.Response:  # Any: as above
        return await self.request("DELETE", path, **sent)

    async def balance(self) -> int:
        """The wallet's available tokens."""
        response = await self.get("/v1/me/wallet")
        assert response.status_code == 200, response.text
        return int(response.json()["available"])


def unused_name(word: str = "user") -> str:
    return f"{word}-{uuid4().hex[:12]}@example.org"


async def new_user(http: httpx.AsyncClient, name: str | None = None, password: str = PASSWORD) -> Person:
    """Register a user, log in and wait for the opening grant."""
    name = name or unused_name()
    created = await http.post("/v1/users", json={"name": name, "password": password})
    assert created.status_code == 201, created.text
    user = await logged_in(http, name, password)
    await _wait_for_wallet(user)
    return user


async def _wait_for_wallet(user: Person) -> None:
    """Wait for the wallet; the registration itself waits for it only briefly."""
    deadline = time.monotonic() + WALLET_SECONDS
    while (response := await user.get("/v1/me/wallet")).status_code != 200:
        assert time.monotonic() < deadline, response.text
        await asyncio.sleep(PAUSE_SECONDS)


async def logged_in(http: httpx.AsyncClient, name: str, password: str) -> Person:
    response = await http.post("/v1/sessions", json={"name": name, "password": password})
    assert response.status_code == 201, response.text
    token = response.json()["access_token"]
    me = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200, me.text
    return Person(http, me.json()["id"], name, password, token)


async def administrator(http: httpx.AsyncClient, stack: Stack) -> Person:
    return await logged_in(http, stack.admin_name, stack.admin_password)


async def grant(admin: Person, user: Person, tokens: int) -> None:
    response = await admin.post(
        f"/v1/users/{user.id}/grants", json={"amount": tokens, "reason": "for a test"}
    )
    assert response.status_code == 201, response.text
