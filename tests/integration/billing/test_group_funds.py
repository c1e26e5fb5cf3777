"""Pools and payers of groups: who pays, in which order, and what a refusal names."""

import asyncio

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing, event, running_billing
from tests.support.groups import GROUP, OWNER, Budget, group_changed, membership
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER, OTHER, STRANGER = 7, 8, 99
CARD = "4242424242424242"


@pytest.fixture
async def budget(billing: Billing) -> Budget:
    """A lab whose pool pays; each prediction costs 5."""
    budget = Budget(billing)
    await budget.open(USER, OTHER, kind="lab")
    return budget


async def test_every_group_has_a_pool_however_many_came_before(billing: Billing) -> None:
    # One event a delivery: PostgreSQL plans a statement anew after its fifth use by a connection.
    for group_id in range(1, 13):
        assert (await billing.deliver(group_changed(group_id))).status_code == 204
    verified = await billing.http.get("/v1/ledger/verify", headers=bearer(ADMIN, role="admin"))
    assert len(verified.json()["groups"]) == 12


class TestPool:
    async def test_grant_is_spent_by_members_and_not_by_their_wallets(
        self, billing: Billing, budget: Budget
    ) -> None:
        assert await budget.grant(100) == {"group_id": GROUP, "amount": 100, "available": 100}
        held = await budget.hold(USER, "a", units=2, context="challenge:17")
        assert (held["tokens"], held["available"]) == (10, 90)
        settled = await billing.settle("a", tokens=7)
        assert (settled["tokens"], settled["available"]) == (7, 93)
        assert (await billing.wallet(USER))["tokens"] == 15
        sums = await budget.sums()
        assert (sums["granted"], sums["pool"], sums["charged"]) == (100, 93, 7)
        receipt = await billing.http.get(f"/v1/receipts/{settled['receipt_id']}", headers=bearer(USER))
        paid = [{"kind": "pool", "account": f"pool:{GROUP}", "tokens": 7}]
        shown = {name: receipt.json()[name] for name in ("group_id", "context", "paid_by")}
        assert shown == {"group_id": GROUP, "context": "challenge:17", "paid_by": paid}

    async def test_usage_of_a_context_is_the_sum_of_each_user(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(100)
        for key, context in {"a": "c:17", "b": "c:17", "c": "x", "d": "c:17"}.items():
            await budget.hold(OTHER if key == "b" else USER, key, context=context)
            await billing.settle(key)
        await billing.refund_hold(OTHER, "b")
        query = {"group_id": GROUP, "context": "c:17", "until": "2199-01-01T00:00:00Z"}

        async def used(**change: object) -> list[dict[str, int]]:
            path, headers = "/internal/contexts/usage", billing.service_headers
            answer = await billing.http.post(path, json=query | change, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()["items"]

        assert await used() == [{"user_id": USER, "tokens": 10}, {"user_id": OTHER, "tokens": 0}]
        assert await used(until="2001-01-01T00:00:00Z") == await used(group_id=GROUP + 1) == []
        refused = await billing.http.post("/internal/contexts/usage", json=query, headers=bearer(USER))
        assert refused.status_code == 401

    async def test_repeated_grant_is_applied_once(self, budget: Budget) -> None:
        for _ in range(2):
            await budget.grant(100, **{"Idempotency-Key": "one"})
        assert (await budget.wallet())["pool"]["tokens"] == 100

    async def test_500_holds_at_once_on_100_tokens(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(100)
        holds = [budget.hold((USER, OTHER)[n % 2], f"k{n}") for n in range(500)]
        results = await asyncio.gather(*holds)
        assert sorted({result["status"] for result in results}) == [200, 402]
        assert sum(result["status"] == 200 for result in results) == 20
        assert (await budget.wallet())["pool"] == {"tokens": 100, "held": 100, "available": 0}
        await billing.assert_books_balance()

    async def test_refusal_names_every_payer(self, budget: Budget) -> None:
        await budget.pay_from("allowance", "pool", "own")
        await budget.grant(3)
        refused = (await budget.hold(USER, units=10))["problem"]
        assert (refused["code"], refused["available"], refused["limit"]) == ("not_enough_tokens", 18, None)
        assert refused["payers"] == [
            {"kind": "pool", "account": f"pool:{GROUP}", "available": 3, "held": 0, "expires_at": None},
            {"kind": "own", "account": f"wallet:{USER}", "available": 15, "held": 0, "expires_at": None},
        ]

    async def test_hold_draws_on_several_accounts_and_burns_them_in_order(
        self, billing: Billing, budget: Budget
    ) -> None:
        await budget.pay_from("pool", "own")
        await budget.grant(8)
        await budget.hold(USER, "a", units=4)
        assert await budget.available(USER) == [("pool", 0), ("own", 3)]
        settled = await billing.settle("a", tokens=10)
        assert await budget.available(USER) == [("pool", 0), ("own", 13)]
        receipt = await billing.http.get(f"/v1/receipts/{settled['receipt_id']}", headers=bearer(USER))
        assert [(paid["kind"], paid["tokens"]) for paid in receipt.json()["paid_by"]] == [
            ("pool", 8),
            ("own", 2),
        ]
        refunded = await billing.refund_hold(USER, "a")
        assert refunded["tokens"] == 10
        assert await budget.available(USER) == [("pool", 8), ("own", 15)]

    @pytest.mark.parametrize("end", ["release", "refund"])
    async def test_unpaid_hold_returns_its_parts(self, billing: Billing, budget: Budget, end: str) -> None:
        await budget.grant(8)
        await budget.hold(USER, "a")
        await (billing.release("a") if end == "release" else billing.refund_hold(USER, "a"))
        assert (await budget.wallet())["pool"] == {"tokens": 8, "held": 0, "available": 8}

    async def test_charge_and_its_refund_are_replayed(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(8)
        first = await budget.charge(USER, "a")
        assert await budget.charge(USER, "a") == first | {"replayed": True}
        for _ in range(2):
            assert (await billing.refund(USER, "a"))["tokens"] == 5
        assert (await budget.sums())["pool"] == 8

    async def test_group_is_part_of_the_input(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(8)
        await budget.hold(USER, "a")
        refused = await billing.hold(USER, "a")
        assert (refused["status"], refused["problem"]["code"]) == (422, "idempotency_key_reused")

    async def test_free_work_has_a_receipt_of_the_group(self, billing: Billing, budget: Budget) -> None:
        await budget.hold(USER, "a", action="metadata")
        settled = await billing.settle("a")
        receipt = await billing.http.get(f"/v1/receipts/{settled['receipt_id']}", headers=bearer(USER))
        assert (receipt.json()["group_id"], receipt.json()["paid_by"]) == (GROUP, [])

    async def test_sweeper_expires_a_hold_of_a_group(
        self, budget: Budget, as_owner: asyncpg.Connection
    ) -> None:
        await budget.grant(8)
        await budget.hold(USER, "a", ttl_seconds=1)
        for _ in range(200):
            if (await budget.wallet())["pool"]["held"] == 0:
                break
            await asyncio.sleep(0.05)
        assert await as_owner.fetchval("SELECT state FROM billing.holds WHERE key = 'a'") == "expired"


class TestPurchases:
    async def test_owner_buys_for_the_pool(self, billing: Billing, budget: Budget) -> None:
        body = {"amount": 40, "credit_card": CARD, "group_id": GROUP}
        bought = await billing.http.post("/v1/purchases", json=body, headers=bearer(OWNER))
        assert (bought.status_code, bought.json()["available"]) == (201, 40)
        assert (await budget.sums())["purchased"] == 40
        assert (await billing.wallet(OWNER))["tokens"] == 15

    @pytest.mark.parametrize(("user", "status"), [(USER, 403), (STRANGER, 404)])
    async def test_others_cannot_buy_for_it(
        self, billing: Billing, budget: Budget, user: int, status: int
    ) -> None:
        body = {"amount": 40, "credit_card": CARD, "group_id": budget.group_id}
        assert_problem(await billing.http.post("/v1/purchases", json=body, headers=bearer(user)), status)


class TestMembers:
    @pytest.mark.parametrize("user", [STRANGER, OTHER])
    async def test_only_members_spend(self, billing: Billing, budget: Budget, user: int) -> None:
        await budget.grant(100)
        await billing.register(STRANGER)
        await budget.leave(OTHER)
        refused = await budget.hold(user)
        assert (refused["status"], refused["problem"]["code"]) == (404, "group_not_found")

    async def test_archived_group_pays_nothing(self, budget: Budget) -> None:
        await budget.grant(100)
        await budget.deliver(group_changed(kind="lab", state="archived"))
        refused = await budget.hold(USER)
        assert (refused["status"], refused["problem"]["code"]) == (409, "group_archived")

    async def test_membership_of_an_unknown_group_is_kept_until_it_is_known(self, billing: Billing) -> None:
        budget = Budget(billing, 13)
        await billing.register(USER)
        await budget.deliver(membership(USER, 13))
        assert (await budget.hold(USER))["problem"]["code"] == "group_not_found"
        await budget.deliver(group_changed(13, kind="lab"))
        assert (await budget.hold(USER))["problem"]["code"] == "not_enough_tokens"

    async def test_deleted_group_expires_its_tokens_after_the_last_hold(
        self, billing: Billing, budget: Budget
    ) -> None:
        await budget.grant(100)
        await budget.hold(USER, "a")
        await budget.deliver(event("group_deleted", group_id=GROUP))
        assert (await budget.hold(USER))["problem"]["code"] == "group_not_found"
        assert (await budget.sums())["closed"] == 95
        await billing.settle("a", tokens=2)
        assert (await budget.sums())["closed"] == 98
        await billing.refund_hold(USER, "a")
        assert (await budget.sums()) | {"balanced": True} == {
            **{"group_id": GROUP, "granted": 100, "purchased": 0, "pool": 0, "allowances": 0},
            **{"charged": 0, "closed": 100, "balanced": True},
        }


class TestDefaultPayer:
    async def set(self, billing: Billing, group_id: int | None, user: int = USER) -> int:
        body = {"group_id": group_id}
        return (await billing.http.put("/v1/me/payer", json=body, headers=bearer(user))).status_code

    async def test_default_group_pays_for_requests_that_name_none(
        self, billing: Billing, budget: Budget
    ) -> None:
        await budget.grant(8)
        assert await self.set(billing, GROUP) == 200
        await billing.charge(USER)
        assert await budget.available(USER) == [("pool", 3)]
        assert await self.set(billing, None) == 200
        await billing.charge(USER)
        assert (await billing.wallet(USER))["tokens"] == 10

    async def test_second_replica_learns_the_default(
        self, billing: Billing, budget: Budget, database: Database
    ) -> None:
        await budget.grant(100)
        async with running_billing(database) as other:
            await other.charge(USER)
            await self.set(billing, GROUP)
            for _ in range(100):
                if (await other.charge(USER))["available"] > 15:
                    break
                await asyncio.sleep(0.02)
            assert (await other.charge(USER))["available"] > 15

    async def test_strangers_cannot_name_the_group(self, billing: Billing, budget: Budget) -> None:
        await billing.register(STRANGER)
        assert await self.set(billing, budget.group_id, STRANGER) == 404

    async def test_member_who_leaves_pays_from_the_own_wallet(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(8)
        await self.set(billing, GROUP)
        await budget.leave(USER)
        for _ in range(100):
            if (await billing.charge(USER))["status"] == 200:
                break
            await asyncio.sleep(0.02)
        assert (await billing.wallet(USER))["tokens"] < 15


class TestStatements:
    async def test_staff_sees_all_and_members_their_own(self, budget: Budget) -> None:
        await budget.grant(100)
        for user in (USER, OTHER, OTHER):
            await budget.charge(user, context="challenge:17")
        assert [entry["user_id"] for entry in await budget.entries()] == [OTHER, OTHER, USER, None]
        assert [entry["user_id"] for entry in await budget.entries(USER)] == [USER]
        usage = {
            user: (await budget.request("GET", "usage?group_by=user", user)).json()["items"]
            for user in (OWNER, USER)
        }
        assert usage[OWNER] == [
            {"group": str(OTHER), "requests": 2, "tokens": 10},
            {"group": str(USER), "requests": 1, "tokens": 5},
        ]
        assert usage[USER] == [{"group": str(USER), "requests": 1, "tokens": 5}]
        by_context = (await budget.request("GET", "usage?group_by=context", OWNER)).json()["items"]
        assert by_context == [{"group": "challenge:17", "requests": 3, "tokens": 15}]

    @pytest.mark.parametrize("path", ["wallet", "ledger", "usage", "allowance-rules", "limits"])
    async def test_strangers_find_nothing_and_administrators_see_money(
        self, budget: Budget, path: str
    ) -> None:
        assert_problem(await budget.request("GET", path, STRANGER), 404, "group_not_found")
        assert (await budget.request("GET", path, ADMIN, "admin")).status_code == 200
        expected = 200 if path in ("wallet", "ledger", "usage") else 403
        assert (await budget.request("GET", path, USER)).status_code == expected

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", "payment", {"pays_from": ["own"]}),
            ("POST", "allowance-rules", {"amount": 5, "every": "P1W"}),
            ("POST", "limits", {"amount": 5}),
            ("PATCH", "allowance-rules/1", {"stopped": True}),
            ("DELETE", "limits/1", None),
        ],
    )
    async def test_only_owners_change_the_budget(
        self, budget: Budget, method: str, path: str, body: object
    ) -> None:
        await budget.deliver(membership(OTHER, role="assistant"))
        assert_problem(await budget.request(method, path, USER, json=body), 403, "forbidden")
        assert_problem(await budget.request(method, path, OTHER, json=body), 403, "forbidden")
        assert_problem(await budget.request(method, path, STRANGER, json=body), 404, "group_not_found")
        assert_problem(await budget.request(method, path, ADMIN, "admin", json=body), 404, "group_not_found")
