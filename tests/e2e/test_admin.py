"""Administration: users, grants, the ledger and the usage of all users."""

import asyncio
import time

import httpx
from tests.support.course import trained_model
from tests.support.people import Person, logged_in
from tests.support.problems import assert_problem

NEW_PASSWORD = "a password that the admin set"


class TestListUsers:
    async def test_users_are_found_by_part_of_the_name(self, admin: Person, user: Person) -> None:
        users = (await admin.get("/v1/users", params={"q": user.name[2:-3]})).json()["items"]
        assert [item["id"] for item in users] == [user.id]
        assert (users[0]["name"], users[0]["available"]) == (user.name, 15)

    async def test_users_are_filtered_by_tokens(self, admin: Person, user: Person) -> None:
        query = {"q": user.name, "min_tokens": 16}
        assert (await admin.get("/v1/users", params=query)).json()["items"] == []
        query["min_tokens"] = 15
        assert len((await admin.get("/v1/users", params=query)).json()["items"]) == 1

    async def test_search_takes_wildcards_literally(self, admin: Person) -> None:
        assert (await admin.get("/v1/users", params={"q": "%"})).json()["items"] == []


class TestChangeUser:
    async def test_admin_promotes_user(self, http: httpx.AsyncClient, admin: Person, user: Person) -> None:
        response = await admin.patch(f"/v1/users/{user.id}", json={"role": "admin"})
        assert response.status_code == 200
        promoted = await logged_in(http, user.name, user.password)
        assert (await promoted.get("/v1/ledger/verify")).status_code == 200
        assert (await admin.delete(f"/v1/users/{user.id}")).status_code == 204

    async def test_disabled_user_cannot_log_in_until_enabled(
        self, http: httpx.AsyncClient, admin: Person, user: Person
    ) -> None:
        await admin.patch(f"/v1/users/{user.id}", json={"disabled": True})
        login = {"name": user.name, "password": user.password}
        assert_problem(await http.post("/v1/sessions", json=login), 403, "account_disabled")
        await admin.patch(f"/v1/users/{user.id}", json={"disabled": False})
        assert (await logged_in(http, user.name, user.password)).id == user.id

    async def test_admin_sets_password(self, http: httpx.AsyncClient, admin: Person, user: Person) -> None:
        response = await admin.put(f"/v1/users/{user.id}/password", json={"new_password": NEW_PASSWORD})
        assert response.status_code == 204
        assert (await logged_in(http, user.name, NEW_PASSWORD)).id == user.id

    async def test_change_of_unknown_user_is_404(self, admin: Person) -> None:
        assert_problem(await admin.patch("/v1/users/987654321", json={"disabled": True}), 404)


class TestDeleteUser:
    async def test_ledger_of_deleted_user_stays_without_the_name(self, admin: Person, user: Person) -> None:
        await trained_model(user)
        before = (await admin.get("/v1/ledger/verify")).json()["transfers"]
        assert (await admin.delete(f"/v1/users/{user.id}")).status_code == 204
        after = (await admin.get("/v1/ledger/verify")).json()
        assert after["balanced"]
        assert after["transfers"] >= before
        await _wait_until_name_is_gone(admin, user.name)

    async def test_admin_cannot_delete_own_account(self, admin: Person) -> None:
        assert_problem(await admin.delete(f"/v1/users/{admin.id}"), 403, "own_account")


class TestGrant:
    async def test_grant_adds_tokens_with_a_reason(self, admin: Person, user: Person) -> None:
        body = {"amount": 30, "reason": "good marks"}
        response = await admin.post(f"/v1/users/{user.id}/grants", json=body)
        assert response.status_code == 201
        assert response.json() == {"user_id": user.id, "amount": 30, "available": 45}
        newest = (await user.get("/v1/me/ledger")).json()["items"][0]
        assert (newest["kind"], newest["amount"], newest["note"]) == ("grant", 30, "good marks")

    async def test_retried_grant_is_booked_once(self, admin: Person, user: Person) -> None:
        body, key = (
            {"amount": 30, "reason": "once"},
            {"Idempotency-Key": f"grant-for-{user.id}"},
        )
        await admin.post(f"/v1/users/{user.id}/grants", json=body, headers=key)
        again = await admin.post(f"/v1/users/{user.id}/grants", json=body, headers=key)
        assert again.headers["idempotency-replayed"] == "true"
        assert await user.balance() == 45

    async def test_grant_to_unknown_user_is_404(self, admin: Person) -> None:
        body = {"amount": 30, "reason": "nobody"}
        assert_problem(await admin.post("/v1/users/987654321/grants", json=body), 404)


async def test_ledger_shows_both_accounts_of_each_transfer(admin: Person, user: Person) -> None:
    await trained_model(user)
    entries = (await admin.get("/v1/ledger")).json()["items"]
    charge = next(entry for entry in entries if entry["debit"] == f"wallet:{user.id}")
    assert (charge["credit"], charge["amount"], charge["action"]) == ("revenue", 1, "train")


async def test_ledger_verification_sums_to_zero(admin: Person) -> None:
    verification = (await admin.get("/v1/ledger/verify")).json()
    assert (verification["balanced"], verification["sum"], verification["differences"]) == (True, 0, [])
    assert verification["charged"] == verification["settled"] == verification["receipted"]


async def test_usage_of_all_users_is_grouped_by_user(admin: Person, user: Person) -> None:
    await trained_model(user)
    items = (await admin.get("/v1/usage", params={"group_by": "user"})).json()["items"]
    assert {"group": str(user.id), "requests": 1, "tokens": 1} in items


async def _wait_until_name_is_gone(admin: Person, name: str) -> None:
    """Wait until the name is gone: billing-service receives the event of the deletion a moment later."""
    deadline = time.monotonic() + 15
    while True:
        users = (await admin.get("/v1/users", params={"q": name})).text
        if name not in users:
            return
        assert time.monotonic() < deadline, users
        await asyncio.sleep(0.05)
