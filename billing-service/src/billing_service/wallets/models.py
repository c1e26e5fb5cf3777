"""A wallet with its owner, as lists show them."""

from typing import NamedTuple

from billing_service.ledger.models import Account
from billing_service.owners.models import Owner


class OwnedWallet(NamedTuple):
    owner: Owner
    wallet: Account
