"""Holds what a job may cost, before it is begun."""

from dataclasses import replace

from ml_service.billing.charging import release_or_expire
from ml_service.billing.port import Billing
from ml_service.billing.pricing import affordable
from ml_service.errors import BudgetTooSmall
from ml_service.jobs.models import Job
from ml_service.jobs.orders import TrainingOrder
from ml_service.work.charges import charge_of


async def hold_price(billing: Billing, job: Job, order: TrainingOrder) -> int:
    """The tokens that were set aside: for as many of the job's units as the order's budget pays for."""
    most = order.budget.tokens
    if most is not None:
        job.units = await _affordable(billing, job.units, most)
    charge = replace(charge_of(job), quote_id=order.quote_id)
    tokens = (await billing.hold(charge)).tokens
    if most is not None and tokens > most:
        # The quote promised more than the price that we went by.
        await release_or_expire(billing, charge)
        raise BudgetTooSmall(most, tokens)
    return tokens


async def _affordable(billing: Billing, units: int, most: int) -> int:
    price = (await billing.prices())["train"]
    units = affordable(units, price.tokens, price.per_units, most)
    if units == 0:
        raise BudgetTooSmall(most, price.tokens)
    return units
