"""What the verification found, on the wire."""

from pydantic import BaseModel, ConfigDict

from billing_service.verification.models import Findings


class DifferenceView(BaseModel):
    """A balance that is not what transfers and holds add up to."""

    model_config = ConfigDict(from_attributes=True)

    account: int
    owner_id: int | None
    kept_posted: int | None
    derived_posted: int
    kept_held: int | None
    derived_held: int


class Verification(BaseModel):
    """In balanced books `sum`, that of all accounts, is zero and there are no `differences`.

    `charged` by transfers, `settled` by holds and `receipted` by receipts are the same tokens.
    """

    balanced: bool
    sum: int
    wallets: int
    transfers: int
    open_holds: int
    house: dict[str, int]
    charged: int
    settled: int
    receipted: int
    differences: list[DifferenceView]

    @classmethod
    def of(cls, found: Findings) -> "Verification":
        totals = found.totals
        return cls(
            balanced=found.balanced,
            sum=found.sum,
            wallets=totals.wallets,
            transfers=totals.transfers,
            open_holds=totals.open_holds,
            house=dict(found.house),
            charged=totals.charged,
            settled=totals.settled,
            receipted=totals.receipted,
            differences=[DifferenceView.model_validate(each) for each in found.differences],
        )
