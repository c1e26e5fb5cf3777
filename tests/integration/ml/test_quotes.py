"""An order with a quote costs what the quote promised."""

from uuid import uuid4

import asyncpg
import pytest
from tests.integration.ml.service import ADA, BOB, Service
from tests.support.memory_billing import Quote

from ml_service.billing.port import Price

PROMISE = str(uuid4())
CHEAP, DEAR = Price(1, 1), Price(7, 1)


def promise(service: Service, user: int = ADA, *, expired: bool = False) -> None:
    """A price of 1 while trainings cost 7."""
    service.billing.quotes[PROMISE] = Quote(user, CHEAP, expired)
    service.billing.prices_now["train"] = DEAR


async def test_the_quoted_price_is_held_after_the_price_has_changed(idle: Service) -> None:
    promise(idle)
    job = await idle.start(quote_id=PROMISE)
    assert (job["tokens_held"], idle.billing.held(ADA)) == (1, 1)


async def test_without_the_quote_the_price_of_now_is_held(idle: Service) -> None:
    promise(idle)
    assert (await idle.start())["tokens_held"] == 7


async def test_a_hold_that_expired_with_its_quote_costs_no_more_than_the_quote(service: Service) -> None:
    promise(service)
    job = await service.start(quote_id=PROMISE)
    service.billing.expire_all()
    ended = await service.ended(job)
    assert (ended["state"], ended["tokens_charged"], service.billing.balance(ADA)) == ("succeeded", 1, 99)


@pytest.mark.parametrize(
    ("owner", "expired", "status", "code"),
    [(BOB, False, 404, "quote_not_found"), (ADA, True, 409, "quote_expired")],
)
async def test_a_foreign_or_expired_quote_is_refused_and_leaves_nothing_behind(
    idle: Service, sql: asyncpg.Connection, owner: int, expired: bool, status: int, code: str
) -> None:
    promise(idle, owner, expired=expired)
    answer = await idle.request_training(quote_id=PROMISE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await sql.fetchval("SELECT count(*) FROM ml.jobs") == 0


async def test_what_is_no_quotes_id_is_refused(idle: Service) -> None:
    answer = await idle.request_training(quote_id="tomorrow")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
