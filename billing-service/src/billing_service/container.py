"""The container: what the process holds, built once in `main.py`."""

from dataclasses import dataclass

from billing_service.ledger.service import Ledger
from billing_service.owners.service import Owners
from billing_service.purchases.service import Purchases
from billing_service.settings import Settings
from kit.authentication import Authentication
from kit.database import Database


@dataclass(frozen=True)
class Container:
    settings: Settings
    authentication: Authentication
    database: Database
    ledger: Ledger
    owners: Owners
    purchases: Purchases
