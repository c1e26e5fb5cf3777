"""Container: the objects with the lifetime of the process, built once in `main.py`."""

from dataclasses import dataclass

from billing_service.caches import PayerCache
from billing_service.calendar_rules import Clock
from billing_service.groups.scheduler import Scheduler
from billing_service.ledger.service import Ledger
from billing_service.owners.events import OwnerEvents
from billing_service.prices.cache import PriceCache
from billing_service.purchases.service import Purchases
from billing_service.settings import Settings
from billing_service.statements.queries import CostlyReads
from billing_service.statements.verification import Verifier
from kit.authentication import Authentication
from kit.database import Database


@dataclass(frozen=True)
class Container:
    """Objects for the providers of endpoints; kit's own providers use `authentication` and `database`."""

    settings: Settings
    authentication: Authentication
    database: Database
    ledger: Ledger
    price_cache: PriceCache
    payer_cache: PayerCache
    clock: Clock
    scheduler: Scheduler
    owner_events: OwnerEvents
    purchases: Purchases
    costly_reads: CostlyReads
    verifier: Verifier
