"""What the books say of themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """An account whose kept balance is not what transfers and holds add up to."""

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


@dataclass(frozen=True)
class Totals:
    wallets: int
    in_wallets: int
    transfers: int
    open_holds: int
    charged: int
    settled: int
    receipted: int


@dataclass(frozen=True)
class Findings:
    totals: Totals
    house: Mapping[str, int]
    differences: Sequence[Difference]

    @property
    def sum(self) -> int:
        return self.totals.in_wallets + sum(self.house.values())

    @property
    def balanced(self) -> bool:
        """Charges are told by transfers, by settled holds and by receipts; all must tell the same."""
        totals = self.totals
        agreed = totals.charged == totals.settled == totals.receipted
        return self.sum == 0 and agreed and not self.differences
