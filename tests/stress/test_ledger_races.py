"""Races between concurrent callers of two replicas; the books balance after each test."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.billing import ADMIN, Billing, charge, hold, running_billing
from tests.support.postgres import Database
from tests.support.tokens import bearer

USER = 7
DEADLINE_SECONDS = 20
NEVER = 60  # seconds between sweeps, for tests without one


@pytest.fixture
async def replicas(database: Database) -> AsyncIterator[tuple[Billing, Billing]]:
    async with (
        running_billing(database, opening_grant=100, sweep_seconds=NEVER) as one,
        running_billing(database, opening_grant=100, sweep_seconds=NEVER) as two,
    ):
        await one.register(USER)
        yield one, two
        await two.assert_books_balance()


async def debit(billing: Billing, key: str) -> int:
    results = await billing.operate(hold(USER, key, action="train"), {"operation": "settle", "hold": key})
    return results[0]["status"]


async def test_200_concurrent_debits_of_100_tokens_succeed_100_times(
    replicas: tuple[Billing, Billing],
) -> None:
    statuses = await asyncio.gather(*[debit(replicas[n % 2], f"debit-{n}") for n in range(200)])
    assert Counter(statuses) == {200: 100, 402: 100}
    assert await replicas[0].wallet(USER) == {"tokens": 0, "held": 0, "available": 0}


async def test_20_concurrent_holds_with_one_key_hold_once(replicas: tuple[Billing, Billing]) -> None:
    held = await asyncio.gather(*[replicas[n % 2].hold(USER, "one") for n in range(20)])
    assert {(response["status"], response["tokens"], response["available"]) for response in held} == {
        (200, 5, 95)
    }
    assert Counter(response["replayed"] for response in held) == {True: 19, False: 1}
    assert (await replicas[0].wallet(USER))["held"] == 5


async def test_one_key_of_two_users_holds_once_and_refuses_the_other(
    replicas: tuple[Billing, Billing],
) -> None:
    await replicas[0].register(8)
    held = await asyncio.gather(*[replicas[n % 2].hold(7 + n % 2, "one") for n in range(20)])
    assert Counter(response["status"] for response in held) == {200: 10, 422: 10}
    wallets = [await replicas[0].wallet(user) for user in (7, 8)]
    assert sum(wallet["held"] for wallet in wallets) == 5


async def test_20_concurrent_settles_of_one_hold_charge_once(replicas: tuple[Billing, Billing]) -> None:
    await replicas[0].hold(USER, "one")
    settled = await asyncio.gather(*[replicas[n % 2].settle("one") for n in range(20)])
    assert len({response["receipt_id"] for response in settled}) == 1
    assert (await replicas[0].wallet(USER))["tokens"] == 95


async def test_20_concurrent_charges_with_one_key_debit_once(replicas: tuple[Billing, Billing]) -> None:
    charged = await asyncio.gather(*[replicas[n % 2].charge(USER, "one") for n in range(20)])
    answers = {(each["status"], each["receipt_id"], each["tokens"], each["available"]) for each in charged}
    assert len(answers) == 1
    assert Counter(response["replayed"] for response in charged) == {True: 19, False: 1}
    assert (await replicas[0].wallet(USER))["tokens"] == 95


async def test_twins_of_the_last_affordable_charge_replay_it(replicas: tuple[Billing, Billing]) -> None:
    charged = await asyncio.gather(*[replicas[n % 2].charge(USER, "all", units=20) for n in range(20)])
    assert {(response["status"], response["available"]) for response in charged} == {(200, 0)}
    assert (await replicas[0].wallet(USER))["tokens"] == 0


async def test_200_concurrent_charges_of_100_tokens_succeed_20_times(
    replicas: tuple[Billing, Billing],
) -> None:
    charged = await asyncio.gather(*[replicas[n % 2].charge(USER) for n in range(200)])
    assert Counter(response["status"] for response in charged) == {200: 20, 402: 180}


async def test_one_key_of_two_users_charges_one_and_refuses_the_other(
    replicas: tuple[Billing, Billing],
) -> None:
    await replicas[0].register(8)
    charged = await asyncio.gather(*[replicas[n % 2].charge(7 + n // 2 % 2, "one") for n in range(20)])
    assert Counter(response["status"] for response in charged) == {200: 10, 422: 10}
    wallets = [await replicas[0].wallet(user) for user in (7, 8)]
    assert sorted(wallet["tokens"] for wallet in wallets) == [95, 100]


async def test_concurrent_charge_and_refund_leave_the_balance(replicas: tuple[Billing, Billing]) -> None:
    keys = [f"key-{n}" for n in range(20)]
    charged, refunded = [], []
    for n, key in enumerate(keys):
        charged.append(replicas[n % 2].charge(USER, key))
        refunded += [replicas[(n + twin) % 2].refund(USER, key) for twin in range(2)]
    answers = await asyncio.gather(*charged, *refunded)
    ends = answers[len(keys) :]
    assert {response["status"] for response in ends} == {200}
    assert {response["status"] for response in answers[: len(keys)]} <= {200, 402, 409}
    assert (await replicas[0].wallet(USER))["tokens"] == 100
    again = await replicas[0].operate(*[charge(USER, key) for key in keys])
    assert {response["problem"]["code"] for response in again} == {"charge_refunded"}


async def test_20_concurrent_refunds_of_one_charge_pay_once(replicas: tuple[Billing, Billing]) -> None:
    await replicas[0].charge(USER, "one")
    refunded = await asyncio.gather(*[replicas[n % 2].refund(USER, "one") for n in range(20)])
    assert {(response["tokens"], response["available"]) for response in refunded} == {(5, 100)}
    assert (await replicas[0].wallet(USER))["tokens"] == 100


async def test_concurrent_settle_and_release_of_a_hold_succeed_once(
    replicas: tuple[Billing, Billing],
) -> None:
    for n in range(20):
        key = f"race-{n}"
        before = (await replicas[0].wallet(USER))["available"]
        await replicas[0].hold(USER, key, action="train")
        settled, released = await asyncio.gather(replicas[0].settle(key), replicas[1].release(key))
        assert sorted([settled["status"], released["status"]]) == [200, 409]
        charged = 1 if settled["status"] == 200 else 0
        assert (await replicas[1].wallet(USER))["available"] == before - charged


async def test_concurrent_hold_settle_and_refund_of_a_hold_leave_the_balance(
    replicas: tuple[Billing, Billing],
) -> None:
    keys = [f"key-{n}" for n in range(20)]
    calls, refunds = [], []
    for n, key in enumerate(keys):
        calls += [replicas[n % 2].hold(USER, key), replicas[n // 2 % 2].settle(key)]
        refunds += [replicas[(n + twin) % 2].refund_hold(USER, key) for twin in range(2)]
    answers = await asyncio.gather(*calls, *refunds)
    assert {response["status"] for response in answers[len(calls) :]} == {200}
    assert {response["status"] for response in answers[: len(calls)]} <= {200, 402, 404, 409}
    assert await replicas[0].wallet(USER) == {"tokens": 100, "held": 0, "available": 100}
    again = await replicas[0].operate(*[hold(USER, key) for key in keys])
    assert {response["problem"]["code"] for response in again} == {"hold_ended"}


async def test_20_concurrent_refunds_of_one_settled_hold_pay_once(replicas: tuple[Billing, Billing]) -> None:
    await replicas[0].hold(USER, "one")
    await replicas[0].settle("one")
    refunded = await asyncio.gather(*[replicas[n % 2].refund_hold(USER, "one") for n in range(20)])
    assert {(response["tokens"], response["available"]) for response in refunded} == {(5, 100)}
    assert (await replicas[0].wallet(USER))["tokens"] == 100


async def test_20_concurrent_purchases_with_one_key_buy_once(replicas: tuple[Billing, Billing]) -> None:
    headers = bearer(USER) | {"Idempotency-Key": "one"}
    purchase = {"amount": 10, "credit_card": "1234-5678-9999-0000"}
    bought = await asyncio.gather(
        *[replicas[n % 2].http.post("/v1/purchases", json=purchase, headers=headers) for n in range(20)]
    )
    assert {response.status_code for response in bought} == {201}
    assert sum("idempotency-replayed" not in response.headers for response in bought) == 1
    assert (await replicas[0].wallet(USER))["tokens"] == 110


async def test_concurrent_registrations_of_one_name_get_one_opening_grant(
    replicas: tuple[Billing, Billing],
) -> None:
    await asyncio.gather(*[replicas[n % 2].register(100 + n, "ada@example.org") for n in range(10)])
    wallets = [await replicas[0].wallet(100 + n) for n in range(10)]
    assert sorted(wallet["tokens"] for wallet in wallets) == [0] * 9 + [100]


async def test_command_refused_by_the_database_fails_alone(
    replicas: tuple[Billing, Billing], database: Database
) -> None:
    owner = await asyncpg.connect(database.admin_dsn)
    await owner.execute(
        "ALTER TABLE billing.holds ADD CONSTRAINT refused CHECK (resource IS DISTINCT FROM 'refused')"
    )
    resources = ["fine", "fine", "refused", "fine", "fine"]
    holds = [hold(USER, f"key-{n}", resource=resource) for n, resource in enumerate(resources)]
    together = await replicas[0].operate(*holds[:3])
    apart = await asyncio.gather(*[replicas[0].operate(body) for body in holds[2:]])
    assert [response["status"] for response in together] == [200, 200, 500]
    assert [response["status"] for (response,) in apart] == [500, 200, 200]
    assert (await replicas[0].wallet(USER))["held"] == 20
    await owner.close()


async def test_concurrent_sweep_and_settle_end_each_hold_once(database: Database) -> None:
    async with (
        running_billing(database, opening_grant=100, sweep_seconds=0.01) as one,
        running_billing(database, sweep_seconds=0.01) as two,
    ):
        await one.register(USER)
        owner = await asyncpg.connect(database.admin_dsn)
        keys = [f"key-{n}" for n in range(20)]
        await one.operate(*[hold(USER, key) for key in keys])
        overdue = owner.execute("UPDATE billing.holds SET expires_at = now() - interval '1 second'")
        _, *settled = await asyncio.gather(overdue, *[two.settle(key) for key in keys])
        charged = sum(response["status"] == 200 for response in settled)
        await wait_until_no_hold_is_open(one)
        assert (await one.wallet(USER))["tokens"] == 100 - 5 * charged
        states = await owner.fetch("SELECT state, count(*) FROM billing.holds GROUP BY state")
        assert sum(row["count"] for row in states if row["state"] == "settled") == charged
        await owner.close()
        await one.assert_books_balance()


async def test_abandoned_hold_expires(database: Database) -> None:
    async with running_billing(database, sweep_seconds=0.05) as billing:
        await billing.register(USER)
        await billing.hold(USER, "abandoned", ttl_seconds=1)
        await wait_until_no_hold_is_open(billing)
        assert (await billing.wallet(USER))["available"] == 15
        assert (await billing.settle("abandoned"))["problem"]["code"] == "hold_ended"
        await billing.assert_books_balance()


async def wait_until_no_hold_is_open(billing: Billing) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    headers = bearer(ADMIN, role="admin")
    while (await billing.http.get("/v1/ledger/verify", headers=headers)).json()["open_holds"] > 0:
        assert time.monotonic() < deadline, "holds are still open"
        await asyncio.sleep(0.05)
