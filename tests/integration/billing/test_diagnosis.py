"""Diagnosis of billing-service on a real database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.support.billing import Billing, running_billing
from tests.support.postgres import Database
from tests.support.problems import assert_problem
from tests.support.tokens import bearer, service_bearer

USER = 7
PATH = "/internal/diagnosis"

Found = dict[str, dict[str, str | None]]


@pytest.fixture
async def damaged(database: Database) -> AsyncIterator[Billing]:
    """A running instance whose books need not balance after the test, and whose sweeper rests."""
    async with running_billing(database, sweep_seconds=60) as running:
        await running.register(USER)
        yield running


async def found(billing: Billing) -> Found:
    answer = await billing.http.get(PATH, headers=service_bearer("billing-service", caller="gateway"))
    assert answer.status_code == 200, answer.text
    return {finding["check"]: finding for finding in answer.json()["findings"]}


async def test_new_installation_balances_and_has_prices(billing: Billing) -> None:
    findings = await found(billing)
    for check in ("ledger", "holds", "prices", "migrations", "database clock"):
        assert findings[check]["status"] == "ok", findings[check]


async def test_changed_balance_is_a_failed_ledger(damaged: Billing, as_owner: asyncpg.Connection) -> None:
    await as_owner.execute("UPDATE billing.accounts SET posted = posted + 1 WHERE owner_id = $1", USER)
    ledger = (await found(damaged))["ledger"]
    assert ledger["status"] == "failed"
    assert "differ: 1;" in str(ledger["detail"])
    assert "farebox admin verify" in str(ledger["advice"])


async def test_hold_after_its_end_is_a_warning(damaged: Billing, as_owner: asyncpg.Connection) -> None:
    await damaged.hold(USER)
    assert (await found(damaged))["holds"]["status"] == "ok"
    await as_owner.execute("UPDATE billing.holds SET expires_at = now() - interval '10 minutes'")
    holds = (await found(damaged))["holds"]
    assert (holds["status"], "10 minutes" in str(holds["detail"])) == ("warning", True)


async def test_action_without_a_price_is_failed(damaged: Billing, as_owner: asyncpg.Connection) -> None:
    await as_owner.execute("ALTER TABLE billing.prices DISABLE TRIGGER ALL")
    await as_owner.execute("DELETE FROM billing.prices WHERE action = 'train'")
    prices = (await found(damaged))["prices"]
    assert (prices["status"], "train" in str(prices["detail"])) == ("failed", True)


async def test_diagnosis_is_for_services_only(billing: Billing) -> None:
    assert_problem(await billing.http.get(PATH), 401)
    assert_problem(await billing.http.get(PATH, headers=bearer(1, role="admin")), 401)
    assert_problem(await billing.http.get(PATH, headers=service_bearer("ml-service")), 401)
