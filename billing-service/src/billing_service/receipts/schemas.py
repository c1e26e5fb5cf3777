"""Receipts on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class ReceiptView(BaseModel):
    """A `charge` names the work and its price's version, a `purchase` the card's brand and last digits."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    tokens: int
    action: str | None
    units: int | None
    resource: str | None
    price_version: int | None
    card_brand: str | None
    card_last_four: str | None
    created_at: datetime
