"""What work costs, and quotes that keep a price for a while."""

from uuid import uuid4

from fastapi import Response

from billing_service.dependencies import AllPrices, PriceRows
from billing_service.prices.rules import Action, QuoteOrder
from billing_service.prices.schemas import NewPrice, PriceList, PriceView, QuoteRequest, QuoteView
from kit.app import strict_router
from kit.authentication import Administrator, Reader
from kit.errors import Forbidden, Unauthenticated
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused
from kit.problems import documented

router = strict_router("/v1", ["prices"])


@router.get("/prices")
async def list_prices(prices: PriceRows) -> PriceList:
    """The price of each action, open to everybody."""
    return PriceList(items=[PriceView.model_validate(each) for each in await prices.list_current()])


@router.put("/prices/{action}", responses=documented(Unauthenticated, Forbidden))
async def change_price(
    action: Action, price: NewPrice, caller: Administrator, prices: AllPrices
) -> PriceView:
    """Set a price from now on; holds and quotes keep the version they were made with."""
    changed = await prices.change(action, price.tokens, price.per_units, caller.user_id)
    return PriceView.model_validate(changed)


@router.post("/quotes", status_code=201, responses=documented(Unauthenticated, IdempotencyKeyReused))
async def make_quote(
    request: QuoteRequest,
    caller: Reader,
    prices: AllPrices,
    response: Response,
    key: IdempotencyKey = None,
) -> QuoteView:
    """What the work would cost; its price is kept for you until the quote expires."""
    order = QuoteOrder(caller.user_id, key or uuid4().hex, request.action, request.units)
    quote, replayed = await prices.quote(order)
    if replayed:
        response.headers.update(REPLAYED)
    return QuoteView.model_validate(quote)
