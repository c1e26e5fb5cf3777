"""What auth-service tells: each event is applied once, however often it comes."""

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing, event, user_created
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER = 7
NAME = "ada@example.org"


async def listed(billing: Billing) -> list[dict[str, object]]:
    headers = bearer(ADMIN, role="admin")
    return (await billing.http.get("/v1/users", headers=headers)).json()["items"]


async def test_a_new_user_has_a_wallet_with_the_opening_grant(billing: Billing) -> None:
    await billing.register(USER)
    assert (await billing.wallet(USER))["tokens"] == 15


async def test_an_event_that_comes_twice_is_applied_once(billing: Billing) -> None:
    created = user_created(USER, NAME)
    await billing.deliver(created, created)
    await billing.deliver(created)
    assert (await billing.wallet(USER))["tokens"] == 15


async def test_a_late_repetition_does_not_bring_a_deleted_name_back(billing: Billing) -> None:
    created = user_created(USER, NAME)
    await billing.deliver(created, event("user_deleted", user_id=USER))
    await billing.deliver(created)
    assert await listed(billing) == []


async def test_a_change_of_name_and_role_shows_in_lists(billing: Billing) -> None:
    await billing.register(USER, NAME)
    change = {"user_id": USER, "name": "eve@example.org", "role": "admin", "disabled": True}
    await billing.deliver(event("user_changed", **change))
    (user,) = await listed(billing)
    assert (user["name"], user["role"], user["disabled"]) == ("eve@example.org", "admin", True)


async def test_an_event_whose_booking_failed_is_applied_when_it_comes_again(
    billing: Billing, as_owner: asyncpg.Connection
) -> None:
    created = user_created(USER, NAME)
    await as_owner.execute("ALTER TABLE billing.transfers RENAME TO mislaid")
    assert (await billing.deliver(created)).status_code == 500
    await as_owner.execute("ALTER TABLE billing.mislaid RENAME TO transfers")
    assert (await billing.deliver(created)).status_code == 204
    assert (await billing.wallet(USER))["tokens"] == 15


class TestDeletion:
    async def test_closes_the_wallet_and_keeps_the_rows(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.hold(USER, "work")
        await billing.deliver(event("user_deleted", user_id=USER))
        answer = await billing.http.get("/v1/me/wallet", headers=bearer(USER))
        assert_problem(answer, 404, "wallet_not_found")
        headers = bearer(ADMIN, role="admin")
        ledger = (await billing.http.get("/v1/ledger", headers=headers)).json()["items"]
        assert [(row["kind"], row["credit"], row["amount"]) for row in ledger] == [
            ("closing", "expired", 15),
            ("opening_grant", f"wallet:{USER}", 15),
        ]

    async def test_releases_holds_so_that_a_late_settle_is_refused(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.hold(USER, "work")
        await billing.deliver(event("user_deleted", user_id=USER))
        assert (await billing.settle("work"))["problem"]["code"] == "hold_ended"

    async def test_takes_the_name_out_of_lists(self, billing: Billing) -> None:
        await billing.register(USER, NAME)
        await billing.deliver(event("user_deleted", user_id=USER))
        assert await listed(billing) == []

    @pytest.mark.parametrize("name", [NAME, NAME.upper()])
    async def test_a_later_user_of_the_name_starts_at_nothing(self, billing: Billing, name: str) -> None:
        await billing.register(USER, NAME)
        await billing.deliver(event("user_deleted", user_id=USER))
        await billing.register(8, name)
        assert await billing.wallet(8) == {"tokens": 0, "held": 0, "available": 0}

    async def test_of_an_unknown_user_is_taken(self, billing: Billing) -> None:
        assert (await billing.deliver(event("user_deleted", user_id=99))).status_code == 204


class TestRefusals:
    async def test_a_stranger_is_401(self, billing: Billing) -> None:
        assert_problem(await billing.http.post("/internal/events", json=[]), 401)

    @pytest.mark.parametrize(
        "bad",
        [
            event("user_created", user_id=USER),
            event("user_deleted", user_id="x"),
            event("user_exploded", user_id=USER),
            {"kind": "user_deleted"},
        ],
    )
    async def test_an_event_that_cannot_be_read_is_422(
        self, billing: Billing, bad: dict[str, object]
    ) -> None:
        assert_problem(await billing.deliver(bad), 422)
