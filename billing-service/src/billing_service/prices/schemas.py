"""Prices and quotes on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from billing_service.fields import MOST_TOKENS, MOST_UNITS, Body, Units
from billing_service.prices.rules import Action


class PriceView(BaseModel):
    """So many tokens for each started `per_units` units."""

    model_config = ConfigDict(from_attributes=True)

    action: str
    version: int
    tokens: int
    per_units: int
    created_at: datetime


class PriceList(BaseModel):
    items: list[PriceView]
    next_page_token: None = None


class NewPrice(Body):
    tokens: Annotated[StrictInt, Field(ge=0, le=MOST_TOKENS)]
    per_units: Annotated[StrictInt, Field(ge=1, le=MOST_UNITS)] = 1


class QuoteRequest(Body):
    action: Action
    units: Units = 1


class QuoteView(BaseModel):
    """What the units cost at the price that is kept for you until `expires_at`."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    action: str
    units: int
    tokens: int
    price_version: int
    expires_at: datetime
