"""Allowances: issued, spent, expired and returned as the clock goes on, by any number of replicas."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.billing import Billing, event, running_billing
from tests.support.groups import GROUP, OWNER, Budget, FakeClock, group_changed
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer

USER, OTHER = 7, 8
MEMBERS = 3  # the owner is one of them
LIVE = (
    "SELECT member_id, period, posted FROM billing.accounts WHERE kind = 'allowance' AND closed_at IS NULL"
    " ORDER BY member_id, period"
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def billing(database: Database, clock: FakeClock) -> AsyncIterator[Billing]:
    """An instance whose scheduler acts only when a test runs it; its books must balance after the test."""
    async with running_billing(database, clock=clock, schedule_seconds=60) as running:
        yield running
        await running.assert_books_balance()


@pytest.fixture
async def budget(billing: Billing) -> Budget:
    """A class in Berlin, whose allowances pay; each prediction costs 5."""
    budget = Budget(billing)
    await budget.open(USER, OTHER)
    return budget


class TestIssue:
    async def test_rule_issues_at_once_to_each_member(self, budget: Budget) -> None:
        await budget.grant(100)
        rule = await budget.add_rule(20, "P1W")
        assert (rule["next_at"], rule["short_by"]) == ("2026-02-07T12:00:00Z", 0)
        wallet = await budget.wallet()
        assert wallet["allowances"] == {"tokens": 60, "held": 0, "available": 60}
        assert wallet["pool"]["tokens"] == 40
        funds = await budget.funds(USER)
        assert (funds["renews_at"], len(funds["payers"])) == ("2026-02-07T12:00:00Z", 1)
        assert funds["payers"][0]["expires_at"] == "2026-02-07T12:00:00Z"

    async def test_repeated_request_adds_one_rule(self, budget: Budget) -> None:
        await budget.grant(100)
        body = {"amount": 20, "every": "P1W"}
        headers = {"Idempotency-Key": "one"}
        rules = [await budget.post("allowance-rules", body, OWNER, **headers) for _ in range(2)]
        assert rules[0].json()["id"] == rules[1].json()["id"]
        assert rules[1].headers["Idempotency-Replayed"] == "true"
        other = await budget.post("allowance-rules", body | {"amount": 21}, OWNER, **headers)
        assert_problem(other, 422, "idempotency_key_reused")
        assert (await budget.wallet())["allowances"]["tokens"] == 60

    async def test_short_pool_issues_to_nobody_until_it_is_filled(
        self, billing: Billing, budget: Budget
    ) -> None:
        await budget.grant(50)
        assert (await budget.add_rule(20))["short_by"] == 10
        assert (await budget.wallet())["allowances"]["tokens"] == 0
        await budget.grant(4)
        assert (await budget.rules())[0]["short_by"] == 6
        body = {"amount": 6, "credit_card": "4242424242424242", "group_id": GROUP}
        await billing.http.post("/v1/purchases", json=body, headers=bearer(OWNER))
        assert (await budget.rules())[0]["short_by"] == 0
        assert (await budget.wallet())["allowances"]["tokens"] == 60

    async def test_who_joins_within_a_period_gets_its_allowance(
        self, budget: Budget, clock: FakeClock
    ) -> None:
        await budget.grant(200)
        await budget.add_rule(20, "P1W", keeps=2)
        clock.advance(days=8)
        await budget.billing.scheduler.run()
        await budget.billing.register(9)
        await budget.join(9, at=clock.now)
        assert await budget.available(9) == [("allowance", 20)]

    async def test_who_leaves_and_returns_gets_no_second_one(self, budget: Budget) -> None:
        await budget.grant(100)
        await budget.add_rule(20)
        await budget.charge(USER)
        await budget.leave(USER)
        assert (await budget.entries())[0]["kind"] == "allowance_returned"
        assert (await budget.wallet())["pool"]["tokens"] == 55
        await budget.join(USER)
        assert await budget.available(USER) == []

    async def test_deleted_user_returns_the_allowance(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(60)
        await budget.add_rule(20)
        await billing.deliver(event("user_deleted", user_id=USER))
        assert (await budget.wallet())["pool"]["tokens"] == 20

    async def test_stopped_rule_issues_no_more(self, budget: Budget, clock: FakeClock) -> None:
        await budget.grant(200)
        rule = await budget.add_rule(20)
        url = f"allowance-rules/{rule['id']}"
        stopped = await budget.request("PATCH", url, OWNER, json={"stopped": True})
        assert (stopped.json()["stopped"], stopped.json()["next_at"]) == (True, None)
        clock.advance(weeks=1)
        await budget.billing.scheduler.run()
        assert (await budget.wallet())["allowances"]["tokens"] == 0
        await budget.request("PATCH", url, OWNER, json={"stopped": False, "amount": 30})
        assert (await budget.wallet())["allowances"]["tokens"] == 90

    async def test_archived_group_gets_none(self, budget: Budget, clock: FakeClock) -> None:
        await budget.grant(200)
        await budget.add_rule(20)
        await budget.deliver(group_changed(state="archived"))
        clock.advance(weeks=1)
        await budget.billing.scheduler.run()
        assert (await budget.sums())["allowances"] == 0
        await budget.deliver(group_changed())
        assert (await budget.sums())["allowances"] == 60

    @pytest.mark.parametrize(
        "fields",
        [
            {"every": "P1Y"},
            {"every": "PT1H"},
            {"every": "P0D"},
            {"amount": 0},
            {"keeps": 0},
            {"starts_at": "2026-03-01T00:00:00", "ends_at": "2026-02-01T00:00:00"},
            {"ends_at": "2026-01-01T00:00:00"},
        ],
    )
    async def test_invalid_rule_is_422(self, budget: Budget, fields: dict[str, object]) -> None:
        body = {"amount": 5, "every": "P1W", **fields}
        assert_problem(await budget.post("allowance-rules", body, OWNER), 422, "invalid_input")


class TestEnd:
    async def test_work_begun_in_time_is_paid_in_time(
        self, billing: Billing, budget: Budget, clock: FakeClock
    ) -> None:
        await budget.grant(60)
        await budget.add_rule(20, ends_at="2026-02-07T13:00:00")
        await budget.hold(USER, "a", units=2, ttl_seconds=3600)
        clock.advance(weeks=1)
        await billing.scheduler.run()
        assert (await budget.sums())["allowances"] == 10
        assert (await budget.hold(USER))["problem"]["code"] == "not_enough_tokens"
        await billing.settle("a", tokens=3)
        sums = await budget.sums()
        assert (sums["allowances"], sums["pool"], sums["charged"]) == (0, 57, 3)

    async def test_refund_of_an_expired_allowance_goes_to_the_pool(
        self, billing: Billing, budget: Budget, clock: FakeClock
    ) -> None:
        await budget.grant(60)
        await budget.add_rule(20, ends_at="2026-02-07T13:00:00")
        await budget.charge(USER, "a")
        await budget.hold(USER, "b")
        await billing.settle("b")
        clock.advance(weeks=1)
        await billing.scheduler.run()
        assert (await budget.sums())["pool"] == 50
        await billing.refund(USER, "a")
        await billing.refund_hold(USER, "b")
        assert (await budget.sums())["pool"] == 60

    async def test_earlier_end_is_spent_first(self, budget: Budget) -> None:
        await budget.grant(200)
        await budget.add_rule(20, "P1M")
        await budget.add_rule(7, "P1W")
        held = await budget.hold(USER, "a", units=2)
        assert held["available"] == 17
        payers = (await budget.funds(USER))["payers"]
        assert [(payer["available"], payer["held"]) for payer in payers] == [(0, 7), (17, 3)]

    async def test_deleted_group_closes_allowances_and_pool(self, billing: Billing, budget: Budget) -> None:
        await budget.grant(100)
        await budget.add_rule(20)
        await budget.hold(USER, "a")
        await budget.deliver(event("group_deleted", group_id=GROUP))
        assert (await budget.sums())["closed"] == 95
        await billing.release("a")
        sums = await budget.sums()
        assert (sums["closed"], sums["pool"], sums["allowances"]) == (100, 0, 0)


class TestTimeTravel:
    @pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Santiago", "Asia/Kolkata"])
    async def test_400_days_issue_one_allowance_a_period(
        self, billing: Billing, clock: FakeClock, as_owner: asyncpg.Connection, zone: str
    ) -> None:
        budget = Budget(billing)
        await budget.open(time_zone=zone)
        await budget.grant(1_000)
        starts = {"P1D": "00:00:00", "P1W": "23:59:59", "P1M": "02:30:00"}
        rules = {
            (await budget.add_rule(1, every, starts_at=f"2026-01-31T{time}"))["id"]: time
            for every, time in starts.items()
        }
        for _ in range(400):
            clock.advance(days=1)
            await billing.scheduler.run()
        for rule, start in rules.items():
            issued = await as_owner.fetch(
                "SELECT period, closed_at, timezone($1, expires_at) AS ends_at FROM billing.accounts"
                " WHERE rule_id = $2 ORDER BY period",
                zone,
                rule,
            )
            assert [row["period"] for row in issued] == [*range(len(issued))]
            assert [row["closed_at"] is None for row in issued].count(True) == 1
            times = {row["ends_at"].time().isoformat() for row in issued}
            # Midnight of the day on which the clock of Santiago is put forward does not exist.
            assert times - {start} <= ({"01:00:00"} if zone == "America/Santiago" else set())
        assert [row["ends_at"].day for row in issued][:4] == [28, 31, 30, 31]
        assert len(issued) == 14

    async def test_clock_that_goes_back_an_hour_issues_nothing_twice(
        self, billing: Billing, budget: Budget, clock: FakeClock, as_owner: asyncpg.Connection
    ) -> None:
        await budget.grant(1_000)
        await budget.add_rule(20, "P1D")
        for minutes in (24 * 60 + 1, -60, 60, -60, 60):
            clock.advance(minutes=minutes)
            await billing.scheduler.run()
        assert [tuple(row) for row in await as_owner.fetch(LIVE)] == [(5, 1, 20), (7, 1, 20), (8, 1, 20)]
        assert (await budget.sums())["pool"] == 1_000 - 60

    async def test_three_weeks_asleep_leave_the_same_live_allowances_as_none(
        self, billing: Billing, budget: Budget, clock: FakeClock, as_owner: asyncpg.Connection
    ) -> None:
        await budget.grant(1_000)
        awake = Budget(billing, 13)
        await awake.open(USER, OTHER)
        await awake.grant(1_000)
        for each in (budget, awake):
            await each.add_rule(3, "P2D", keeps=3)
        for _ in range(21):
            clock.advance(days=1)
            await billing.scheduler.run(13)
        await billing.scheduler.run()
        live = await as_owner.fetch(
            "SELECT group_id, member_id, period, posted, expires_at FROM billing.accounts"
            " WHERE kind = 'allowance' AND closed_at IS NULL ORDER BY member_id, period"
        )
        slept, woken = ([tuple(row)[1:] for row in live if row["group_id"] == group] for group in (GROUP, 13))
        assert slept == woken
        assert len(slept) == 3 * MEMBERS


class TestReplicas:
    async def test_schedulers_at_once_issue_once(
        self,
        database: Database,
        billing: Billing,
        budget: Budget,
        clock: FakeClock,
        as_owner: asyncpg.Connection,
    ) -> None:
        await budget.grant(1_000)
        await budget.add_rule(20, "P1D")
        async with running_billing(database, clock=clock, schedule_seconds=60) as other:
            for _ in range(5):
                clock.advance(days=1)
                await asyncio.gather(*(each.scheduler.run() for each in (billing, other) for _ in range(3)))
        assert [tuple(row) for row in await as_owner.fetch(LIVE)] == [(5, 5, 20), (7, 5, 20), (8, 5, 20)]
        issued = await as_owner.fetchval("SELECT count(*) FROM billing.transfers WHERE kind = 'allowance'")
        assert issued == 6 * MEMBERS

    async def test_300_members_get_theirs_within_a_second(
        self, billing: Billing, clock: FakeClock, as_owner: asyncpg.Connection
    ) -> None:
        budget = Budget(billing)
        await budget.open(*range(1000, 1299))
        await budget.grant(100_000)
        await budget.add_rule(20, "P1D")
        clock.advance(days=1)
        started = time.perf_counter()
        await billing.scheduler.run()
        # Measured: 0.14 s, the expiry of the 300 before included.
        assert time.perf_counter() - started < 1.0
        assert len(await as_owner.fetch(LIVE)) == 300
