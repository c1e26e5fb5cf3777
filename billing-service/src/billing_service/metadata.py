"""Every table of the billing schema, for the migrations to compare with."""

from billing_service.base import Base
from billing_service.ledger import models as _ledger
from billing_service.owners import models as _owners
from billing_service.prices import models as _prices
from billing_service.purchases import models as _purchases
from billing_service.receipts import models as _receipts

__all__ = ["metadata"]

_MODULES = (_ledger, _owners, _prices, _purchases, _receipts)
metadata = Base.metadata
