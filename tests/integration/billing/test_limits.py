"""Spending limits of members, contexts and API keys, counted under the locks of the balance."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.support.billing import Billing, running_billing
from tests.support.groups import OWNER, Budget, FakeClock
from tests.support.postgres import Database
from tests.support.problems import assert_problem

USER, OTHER = 7, 8
KEY = {"id": 3, "token_cap": None}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def billing(database: Database, clock: FakeClock) -> AsyncIterator[Billing]:
    async with running_billing(database, clock=clock, schedule_seconds=60) as running:
        yield running
        await running.assert_books_balance()


@pytest.fixture
async def budget(billing: Billing) -> Budget:
    """A lab whose pool of 1,000 pays; each prediction costs 5."""
    budget = Budget(billing)
    await budget.open(USER, OTHER, kind="lab")
    await budget.grant(1_000)
    return budget


async def test_limit_binds_each_member_and_names_its_reset(budget: Budget) -> None:
    await budget.add_limit(12, "P1W")
    for user in (USER, OTHER):
        assert [(await budget.hold(user))["status"] for _ in range(3)] == [200, 200, 402]
    refused = (await budget.hold(USER))["problem"]
    assert refused["code"] == "spending_limit_reached"
    # The Monday after, at midnight in Berlin.
    limit = {"scope": "member", "amount": 12, "used": 10, "resets_at": "2026-02-01T23:00:00+00:00"}
    assert refused["limit"] == limit
    assert [payer["kind"] for payer in refused["payers"]] == ["pool"]


async def test_limit_of_a_context_counts_its_work_only(budget: Budget) -> None:
    await budget.add_limit(5, context="challenge:17")
    first = await budget.charge(USER, "a", context="challenge:17")
    assert first["status"] == 200
    refused = (await budget.charge(USER, context="challenge:17"))["problem"]
    assert refused["limit"] == {"scope": "context", "amount": 5, "used": 5, "resets_at": None}
    assert (await budget.charge(USER, context="challenge:18"))["status"] == 200
    assert (await budget.charge(USER))["status"] == 200
    await budget.billing.refund(USER, "a")
    assert (await budget.charge(USER, context="challenge:17"))["status"] == 200


async def test_limit_of_an_api_key_counts_its_work_only(budget: Budget) -> None:
    await budget.add_limit(5, api_key_id=3)
    assert (await budget.charge(USER, api_key=KEY))["status"] == 200
    assert (await budget.charge(USER, api_key=KEY))["problem"]["limit"]["scope"] == "api_key"
    assert (await budget.charge(USER))["status"] == 200


async def test_limit_of_one_member_leaves_others_free(budget: Budget) -> None:
    await budget.add_limit(0, user_id=USER)
    assert (await budget.charge(USER))["status"] == 402
    assert (await budget.charge(OTHER))["status"] == 200


@pytest.mark.parametrize("end", ["release", "settle", "refund"])
async def test_tokens_that_are_not_spent_do_not_count(billing: Billing, budget: Budget, end: str) -> None:
    await budget.add_limit(10)
    await budget.hold(USER, "a", units=2)
    assert (await budget.hold(USER))["status"] == 402
    if end == "refund":
        await billing.settle("a")
        await billing.refund_hold(USER, "a")
    else:
        await (billing.release("a") if end == "release" else billing.settle("a", tokens=0))
    assert (await budget.hold(USER, units=2))["status"] == 200


async def test_work_counts_in_the_period_in_which_it_began(
    billing: Billing, budget: Budget, clock: FakeClock
) -> None:
    await budget.add_limit(10, "P1D")
    await budget.hold(USER, "a", units=2, ttl_seconds=80_000)
    clock.advance(days=1)
    await budget.hold(USER, "b", units=2)
    await billing.release("a")
    assert (await budget.hold(USER))["status"] == 402


async def test_limit_counts_work_from_its_creation_on(
    billing: Billing, budget: Budget, clock: FakeClock
) -> None:
    await budget.hold(USER, "a", units=2)
    clock.advance(seconds=1)
    limit = await budget.add_limit(5)
    assert (await budget.charge(USER))["status"] == 200
    await billing.release("a")
    assert (await budget.charge(USER))["status"] == 402
    response = await budget.request("DELETE", f"limits/{limit['id']}", OWNER)
    assert response.status_code == 204
    assert (await budget.charge(USER))["status"] == 200
    assert_problem(await budget.request("DELETE", f"limits/{limit['id']}", OWNER), 404, "limit_not_found")


async def test_holds_at_once_stay_within_the_limit(
    billing: Billing, budget: Budget, database: Database
) -> None:
    await budget.add_limit(50)
    async with running_billing(database) as replica:
        other = Budget(replica)
        results = await asyncio.gather(*((budget, other)[n % 2].hold(USER, f"k{n}") for n in range(100)))
    assert sum(result["status"] == 200 for result in results) == 10
    await billing.assert_books_balance()


async def test_repeated_request_adds_one_limit(budget: Budget) -> None:
    headers = {"Idempotency-Key": "one"}
    answers = [await budget.post("limits", {"amount": 5}, OWNER, **headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    listed = (await budget.request("GET", "limits", OWNER)).json()["items"]
    assert [limit["id"] for limit in listed] == [answers[0].json()["id"]]


async def test_number_of_limits_is_limited(budget: Budget) -> None:
    for _ in range(50):
        await budget.add_limit(5)
    assert_problem(await budget.post("limits", {"amount": 5}, OWNER), 409, "too_many_rules")
