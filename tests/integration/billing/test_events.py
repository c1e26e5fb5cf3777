"""Events from auth-service: repeated deliveries have no effect."""

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing, event, user_created
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER = 7
NAME = "ada@example.org"


async def list_users(billing: Billing) -> list[dict[str, object]]:
    headers = bearer(ADMIN, role="admin")
    return (await billing.http.get("/v1/users", headers=headers)).json()["items"]


async def test_new_user_has_wallet_with_opening_grant(billing: Billing) -> None:
    await billing.register(USER)
    assert (await billing.wallet(USER))["tokens"] == 15


async def test_repeated_event_is_applied_once(billing: Billing) -> None:
    created = user_created(USER, NAME)
    await billing.deliver(created, created)
    await billing.deliver(created)
    assert (await billing.wallet(USER))["tokens"] == 15


async def test_late_repetition_does_not_restore_a_deleted_user(billing: Billing) -> None:
    created = user_created(USER, NAME)
    await billing.deliver(created, event("user_deleted", user_id=USER))
    await billing.deliver(created)
    assert await list_users(billing) == []


async def test_changed_name_and_role_are_listed(billing: Billing) -> None:
    await billing.register(USER, NAME)
    change = {"user_id": USER, "name": "eve@example.org", "role": "admin", "disabled": True}
    await billing.deliver(event("user_changed", **change))
    (user,) = await list_users(billing)
    assert (user["name"], user["role"], user["disabled"]) == ("eve@example.org", "admin", True)


async def test_event_is_applied_on_redelivery_after_a_failed_transfer(
    billing: Billing, as_owner: asyncpg.Connection
) -> None:
    created = user_created(USER, NAME)
    await as_owner.execute("ALTER TABLE billing.transfers RENAME TO hidden")
    assert (await billing.deliver(created)).status_code == 500
    await as_owner.execute("ALTER TABLE billing.hidden RENAME TO transfers")
    assert (await billing.deliver(created)).status_code == 204
    assert (await billing.wallet(USER))["tokens"] == 15


class TestDeletion:
    async def test_deletion_closes_the_wallet_and_keeps_its_transfers(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.hold(USER, "work")
        await billing.deliver(event("user_deleted", user_id=USER))
        response = await billing.http.get("/v1/me/wallet", headers=bearer(USER))
        assert_problem(response, 404, "wallet_not_found")
        headers = bearer(ADMIN, role="admin")
        ledger = (await billing.http.get("/v1/ledger", headers=headers)).json()["items"]
        assert [(row["kind"], row["credit"], row["amount"]) for row in ledger] == [
            ("closing", "expired", 15),
            ("opening_grant", f"wallet:{USER}", 15),
        ]

    async def test_settle_after_deletion_is_refused(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.hold(USER, "work")
        await billing.deliver(event("user_deleted", user_id=USER))
        assert (await billing.settle("work"))["problem"]["code"] == "hold_ended"

    async def test_deleted_user_is_not_listed(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.deliver(event("user_deleted", user_id=USER))
        assert await list_users(billing) == []

    @pytest.mark.parametrize("name", [NAME, NAME.upper()])
    async def test_later_user_of_the_name_gets_no_opening_grant(self, billing: Billing, name: str) -> None:
        await billing.register(USER, NAME)
        await billing.deliver(event("user_deleted", user_id=USER))
        await billing.register(8, name)
        assert await billing.wallet(8) == {"tokens": 0, "held": 0, "available": 0}

    async def test_deletion_of_unknown_user_is_accepted(self, billing: Billing) -> None:
        assert (await billing.deliver(event("user_deleted", user_id=99))).status_code == 204


class TestRefusals:
    async def test_anonymous_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.post("/internal/events", json=[]), 401)

    @pytest.mark.parametrize(
        "invalid",
        [
            event("user_created", user_id=USER),
            event("user_deleted", user_id="x"),
            event("user_exploded", user_id=USER),
            {"kind": "user_deleted"},
        ],
    )
    async def test_invalid_event_is_422(self, billing: Billing, invalid: dict[str, object]) -> None:
        assert_problem(await billing.deliver(invalid), 422)
