"""A training with a quote costs the quoted price."""

from uuid import uuid4

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Service
from tests.support.memory_billing import Quote

from ml_service.billing.port import Price

QUOTE_ID = str(uuid4())
CHEAP, EXPENSIVE = Price(1, 1), Price(7, 1)


def quote_cheap(service: Service, user: int = ADA, *, expired: bool = False) -> None:
    """A quote of 1 token while trainings cost 7."""
    service.billing.quotes[QUOTE_ID] = Quote(user, CHEAP, expired)
    service.billing.current_prices["train"] = EXPENSIVE


async def test_quoted_price_is_held_after_price_change(idle: Service) -> None:
    quote_cheap(idle)
    job = await idle.start(quote_id=QUOTE_ID)
    assert (job["tokens_held"], idle.billing.held(ADA)) == (1, 1)


async def test_current_price_is_held_without_quote(idle: Service) -> None:
    quote_cheap(idle)
    assert (await idle.start())["tokens_held"] == 7


async def test_expired_hold_costs_no_more_than_its_quote(service: Service) -> None:
    quote_cheap(service)
    job = await service.start(quote_id=QUOTE_ID)
    service.billing.expire_all()
    ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"], service.billing.balance(ADA)) == ("succeeded", 1, 99)


@pytest.mark.parametrize(
    ("owner", "expired", "status", "code"),
    [(BOB, False, 404, "quote_not_found"), (ADA, True, 409, "quote_expired")],
)
async def test_foreign_or_expired_quote_is_refused_without_a_job(
    idle: Service, sql: asyncpg.Connection, owner: int, expired: bool, status: int, code: str
) -> None:
    quote_cheap(idle, owner, expired=expired)
    answer = await idle.request_training(quote_id=QUOTE_ID)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await sql.fetchval("SELECT count(*) FROM ml.jobs") == 0


async def test_malformed_quote_id_is_refused(idle: Service) -> None:
    answer = await idle.request_training(quote_id="tomorrow")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
