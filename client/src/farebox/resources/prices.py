"""What things cost."""

from typing import Literal

from farebox.calls import Call, keyed, one
from farebox.operations import Group, S, listing, operation
from farebox.resources.pages import every_page, list_of
from farebox.results.prices import Price, Quote
from farebox.steps import Emits

Action = Literal["train", "predict", "batch", "metadata"]


class Prices(Group[S]):
    """Prices, and quotes that are honoured until they expire."""

    @listing
    def list(self) -> Emits[Price]:
        """The prices in force; open to everybody."""
        return every_page(self.exchange, list_of("/v1/prices", Price, authorized=False))

    @operation
    def quote(self, action: Action, units: int = 1) -> Call[Quote]:
        """What this many units of an action cost; hand its id over to pay that price."""
        return Call(
            "POST", "/v1/quotes", one(Quote), json={"action": action, "units": units}, headers=keyed()
        )

    @operation
    def change(self, action: Action, tokens: int, per_units: int = 1) -> Call[Price]:
        """Set a price from now on. For administrators."""
        return Call(
            "PUT", f"/v1/prices/{action}", one(Price), json={"tokens": tokens, "per_units": per_units}
        )
