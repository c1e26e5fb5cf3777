"""Prices of actions, and quotes that guarantee a price for a while."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from billing_service.fields import LARGEST_AMOUNT, LARGEST_UNITS, Body, Units
from billing_service.prices import queries
from billing_service.prices.cache import PriceCache
from billing_service.prices.rules import Action, QuoteRequest
from billing_service.settings import PurchaseMode
from kit.app import strict_router
from kit.authentication import Administrator, Reader
from kit.database import ReadSession, Session, after_commit
from kit.errors import Forbidden, IdempotencyKeyReused, Unauthenticated
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented

router = strict_router("/v1", ["prices"])


async def _quote_seconds(request: Request) -> int:
    return request.app.state.container.settings.quote_seconds


async def _purchase_mode(request: Request) -> PurchaseMode:
    return request.app.state.container.settings.purchases


async def _price_cache(request: Request) -> PriceCache:
    return request.app.state.container.price_cache


QuoteSecondsDep = Annotated[int, Depends(_quote_seconds)]
PurchaseModeDep = Annotated[PurchaseMode, Depends(_purchase_mode)]
PriceCacheDep = Annotated[PriceCache, Depends(_price_cache)]


class PriceView(BaseModel):
    """A price: `tokens` for each block of `per_units` units; a started block costs the full price."""

    model_config = ConfigDict(from_attributes=True)

    action: str
    version: int
    tokens: int
    per_units: int
    created_at: datetime


class PriceList(BaseModel):
    """`purchases`: `simulated` means that no card is charged, `off` that tokens cannot be bought."""

    items: list[PriceView]
    purchases: PurchaseMode
    next_page_token: None = None


class NewPrice(Body):
    tokens: Annotated[StrictInt, Field(ge=0, le=LARGEST_AMOUNT)]
    per_units: Annotated[StrictInt, Field(ge=1, le=LARGEST_UNITS)] = 1


class NewQuote(Body):
    action: Action
    units: Units = 1


class QuoteView(BaseModel):
    """The cost of the units at a price that is guaranteed until `expires_at`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    action: str
    units: int
    tokens: int
    price_version: int
    expires_at: datetime


@router.get("/prices")
async def list_prices(session: ReadSession, purchases: PurchaseModeDep) -> PriceList:
    """List the price of each action, and whether tokens can be bought; no login needed."""
    prices = [PriceView.model_validate(price) for price in await queries.list_prices(session)]
    return PriceList(items=prices, purchases=purchases)


@router.put("/prices/{action}", responses=documented(Unauthenticated, Forbidden))
async def change_price(
    action: Action, price: NewPrice, caller: Administrator, session: Session, cache: PriceCacheDep
) -> PriceView:
    """Change the price of an action; existing holds and quotes keep their version."""
    # The notification reaches this replica, too, but some milliseconds after the response.
    after_commit(session, cache.forget_now)
    changed = await queries.change_price(session, action, price.tokens, price.per_units, caller.user_id)
    return PriceView.model_validate(changed)


@router.post("/quotes", status_code=201, responses=documented(Unauthenticated, IdempotencyKeyReused))
async def create_quote(
    quote: NewQuote,
    caller: Reader,
    session: Session,
    quote_seconds: QuoteSecondsDep,
    response: Response,
    key: IdempotencyKey = None,
) -> QuoteView:
    """Request a quote: the cost of an action, guaranteed until the quote expires."""
    request = QuoteRequest(caller.user_id, key or uuid4().hex, quote.action, quote.units)
    created, replayed = await queries.create_quote(session, request, quote_seconds)
    if replayed:
        response.headers.update(REPLAYED)
    return QuoteView.model_validate(created)
