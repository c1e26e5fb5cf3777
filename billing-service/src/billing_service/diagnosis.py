"""Diagnosis of billing-service: the ledger, open holds and prices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import get_args

from billing_service.container import Container
from billing_service.prices.queries import list_prices
from billing_service.prices.rules import Action
from billing_service.statements.queries import OverdueHolds, find_overdue_holds
from billing_service.statements.verification import STATEMENT_SECONDS, Verification
from kit.checks import READ_LOG, Check
from kit.diagnosis import service_checks
from kit.findings import Finding, failed, ok, warning

# The sweeper releases a hold within seconds after its end.
OVERDUE_SECONDS = 60
SHOW_DIFFERENCES = "Change nothing; list them with farebox admin verify --json, and compare with a backup."
SET_PRICES = "Set them: farebox admin set-price ACTION TOKENS"


def checks(container: Container) -> list[Check]:
    return [
        Check("ledger", partial(_check_ledger, container), STATEMENT_SECONDS),
        Check("holds", partial(_check_holds, container)),
        Check("prices", partial(_check_prices, container)),
        *service_checks(container.database, container.settings),
    ]


async def _check_ledger(container: Container) -> Sequence[Finding]:
    return [find_ledger(await container.verifier.verify())]


async def _check_holds(container: Container) -> Sequence[Finding]:
    async with container.database.read() as session:
        overdue = await find_overdue_holds(session, OVERDUE_SECONDS)
    return [find_holds(overdue, datetime.now(UTC))]


async def _check_prices(container: Container) -> Sequence[Finding]:
    async with container.database.read() as session:
        prices = {price.action: price.tokens for price in await list_prices(session)}
    return [find_prices(prices)]


def find_ledger(verification: Verification) -> Finding:
    if verification.balanced:
        counts = f"transfers: {verification.transfers:,}; open holds: {verification.open_holds:,}"
        return ok("ledger", f"The books balance ({counts}).")
    differences = f"balances that differ: {len(verification.differences)}; sum: {verification.sum:,}"
    detail = f"The books do not balance ({differences})."
    return failed("ledger", detail, SHOW_DIFFERENCES)


def find_holds(overdue: OverdueHolds, now: datetime) -> Finding:
    """The finding about holds that are still open although they have expired."""
    if overdue.oldest is None:
        return ok("holds", "No hold is open after its end.")
    minutes = (now - overdue.oldest).total_seconds() / 60
    detail = f"Holds still open after their end: {overdue.number:,}, the oldest for {minutes:,.0f} minutes."
    return warning("holds", detail, f"They should have expired by themselves. {READ_LOG}")


def find_prices(tokens: Mapping[str, int]) -> Finding:
    missing = [action for action in get_args(Action) if action not in tokens]
    if missing:
        return failed("prices", f"There is no price for: {', '.join(missing)}.", SET_PRICES)
    listed = ", ".join(f"{action} {price:,}" for action, price in tokens.items())
    return ok("prices", f"In tokens: {listed}.")
